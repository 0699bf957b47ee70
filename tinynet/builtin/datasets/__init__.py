"""The built-in datasets: one file per family, each importing what a plugin would."""
