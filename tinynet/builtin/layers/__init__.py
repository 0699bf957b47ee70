"""The built-in layers: one file per layer or family, each importing what a plugin would."""
