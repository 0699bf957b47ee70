"""The built-in optimizers: one file per family, each importing what a plugin would."""
