"""The built-in loggers: one file each, importing what a plugin would."""
