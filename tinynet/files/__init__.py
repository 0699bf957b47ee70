"""Readers of untrusted files: they validate every header and run no code."""
