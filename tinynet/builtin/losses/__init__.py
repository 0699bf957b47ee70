"""The built-in losses: one file per family, each importing what a plugin would."""
