"""Starter projects."""
