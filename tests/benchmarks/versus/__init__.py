"""tinynet and its peers, side by side: what `tests/benchmarks/versus.py` measures, and how."""
