"""Tables: their sources, and everything between a cell and an array."""
