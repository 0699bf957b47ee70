"""The `tinynet` command: a thin skin over `tinynet.run` and what is below it."""
