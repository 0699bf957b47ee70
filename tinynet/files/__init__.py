"""Readers of files that may come from a stranger: they believe no header and run no code."""
