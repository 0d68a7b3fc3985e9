"""`make run`: the whole Hub on this computer, from nothing but Python."""
