"""The state of a run, as a file has it; and what another network may take from it."""
