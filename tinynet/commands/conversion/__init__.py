"""The steps of `tinynet.commands.convert`: sources, and the formats that are written."""
