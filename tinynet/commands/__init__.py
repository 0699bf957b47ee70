"""Implementations of the commands that inspect, compare, check and convert."""
