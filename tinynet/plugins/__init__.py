"""The whole life of a plugin: made from a template, listed, examined."""
