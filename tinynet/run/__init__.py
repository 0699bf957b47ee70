"""A run: the loop wired to a folder with its lock, its log and its checkpoints."""
