"""The built-in regularizers: one file per family, each importing what a plugin would."""
