"""The frame of every Remuda page: words, styles and the way our pages sit inside JupyterHub's own."""
