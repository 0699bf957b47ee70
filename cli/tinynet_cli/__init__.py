"""The `tinynet` command-line interface."""
