"""The training loop and what it needs; it touches no file."""
