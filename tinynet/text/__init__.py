"""JSON texts, where everything in them stands, and what to say about mistakes."""
