"""The `tinynet` command: a thin skin over `tinynet.run.training_run` and what is below it."""
