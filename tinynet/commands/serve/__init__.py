"""Predictions over HTTP: the server of `tinynet serve`."""
