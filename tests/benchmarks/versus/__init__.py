"""The measurements of `tests/benchmarks/versus.py`: tinynet and its peers side by side."""
