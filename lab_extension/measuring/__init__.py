"""What this machine uses, measured inside it and reported to the Hub: cores, memory, GPUs; and whether it works."""
