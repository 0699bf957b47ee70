"""The built-in transforms: one file per family, each importing what a plugin would."""
