"""Checkpoints: the saved state of a run, and its transfer to another network."""
