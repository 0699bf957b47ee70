"""Types of options for numbers, named in messages as people name them."""

import click


class IntRange(click.IntRange):
    """A whole number within bounds; click calls it an "integer range"."""

    name = "integer"


class FloatRange(click.FloatRange):
    """A number within bounds; click calls it a "float range"."""

    name = "number"
