"""The built-in metrics: one file per family, each importing what a plugin would."""
