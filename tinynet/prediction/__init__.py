"""Predictions of trained models: raw inputs in, labels, probabilities and values out."""
