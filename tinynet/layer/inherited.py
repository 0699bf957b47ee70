"""Abilities that subclasses inherit, although they may compute something else."""

from types import FunctionType

PASSES = ("forward", "backward")
"""The methods that an ability to become part of another layer belongs to."""


def still_holds(plugin: object, ability: str, methods: tuple[str, ...] = ()) -> bool:
    """Return True unless a subclass of the class that has an ability computes in its own way.

    Such a class declares the ability again if it has it.

    Args:
        plugin: The layer, or another plugin with abilities.
        ability: The name of the method or attribute.
        methods: The methods of which the ability is a property; by default all of the plugin's.
    """
    if ability in getattr(plugin, "__dict__", {}):  # which a class with slots lacks
        return True
    for cls in type(plugin).__mro__:
        if ability in vars(cls):
            return True
        own = {name for name, value in vars(cls).items() if isinstance(value, FunctionType)}
        own = own & set(methods) if methods else {name for name in own if name[:2] != "__"}
        if own:
            return False
    return True


def is_replayable(layer: object) -> bool:
    """Return True if the layer promises that its passes can be replayed."""
    return bool(getattr(layer, "replayable", False)) and still_holds(layer, "replayable")
