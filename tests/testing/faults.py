"""The list of broken layers, with the checks that detect them."""

from typing import Any

from tinynet.testing import layer_checks

from .correct_layers import Affine

Broken = tuple[type[Any], str, frozenset[str]]
BROKEN: list[Broken] = []
EVERYTHING = [check.name for check in layer_checks(Affine, {}, [(3,)])]


def detected_by(check: str, *consequences: str) -> Any:
    """Register a broken layer with the check that names its fault, and others that may fail."""

    def register(layer: type[Any]) -> type[Any]:
        BROKEN.append((layer, check, frozenset(consequences)))
        return layer

    return register
