"""The list of broken layers, with the checks that detect them."""

from typing import Any, NamedTuple

from tinynet.testing import layer_checks
from tinynet.testing.checks import Check

from .correct_layers import Affine


class Broken(NamedTuple):
    """A layer with one fault.

    Attributes:
        layer: The class; its attribute `arguments` holds those of the kit that differ from
            `ARGUMENTS`.
        check: Name of the check that names the fault.
        consequences: Names of other checks that may fail.
        finding: Regular expression of the finding; empty for any.
    """

    layer: type[Any]
    check: str
    consequences: frozenset[str]
    finding: str

    def checks(self) -> list[Check]:
        """Return the checks of the layer."""
        return layer_checks(self.layer, **ARGUMENTS | getattr(self.layer, "arguments", {}))


ARGUMENTS: dict[str, Any] = {"options": {}, "in_shapes": [(3,)]}
WITH_MASK: dict[str, Any] = {"in_shapes": [(6, 2), (6,)], "mask": 1}

BROKEN: list[Broken] = []
EVERYTHING = [check.name for check in layer_checks(Affine, **ARGUMENTS)]


def detected_by(check: str, *consequences: str, finding: str = "") -> Any:
    """Register a broken layer with the check that names its fault, and others that may fail."""

    def register(layer: type[Any]) -> type[Any]:
        BROKEN.append(Broken(layer, check, frozenset(consequences), finding))
        return layer

    return register
