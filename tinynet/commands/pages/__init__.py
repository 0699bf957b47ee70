"""Pages that work offline: their frame, style and charts."""
