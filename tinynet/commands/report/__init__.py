"""Reports of runs: one page with everything about a trained network."""
