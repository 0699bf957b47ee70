"""The `tinynet` command: a thin skin over `tinynet.run.run` and what is below it."""
