"""The data of a spec: opened, split, shuffled and preprocessed."""
