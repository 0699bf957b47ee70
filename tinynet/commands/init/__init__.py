"""New specs for data, and from templates."""
