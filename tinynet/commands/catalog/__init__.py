"""Descriptions of installed types and of the keys of a spec: lists, search and explanations."""
