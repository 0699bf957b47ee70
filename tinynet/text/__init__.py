"""JSON texts with the places of their values, and messages about mistakes."""
