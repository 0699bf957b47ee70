"""Training progress on terminals, in pipes and in notebooks."""
