"""The arrays of a file of weights, grouped by the layers of the framework that made it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tinynet.files.array_header import ArrayHeader
from tinynet.types import Shape

ALONE = "module"
"""The name of the only module of a file whose arrays have no module's name."""

_NUMBER = re.compile(r"([0-9]+)")


@dataclass(frozen=True)
class Module:
    """A layer of the other framework.

    Attributes:
        name: Its name, such as ``features.0`` or ``conv2d_1``.
        arrays: The name in the file of each of its arrays, by the array's role: ``weight``.
        shapes: Their shapes, likewise.
        position: The number of modules before it in the file.
    """

    name: str
    arrays: Mapping[str, str]
    shapes: Mapping[str, Shape]
    position: int = field(compare=False)

    def __str__(self) -> str:
        shapes = (f"{role} {shape}" for role, shape in self.shapes.items())
        return f"{self.name}: {', '.join(shapes)}"


@dataclass(frozen=True)
class ModuleList:
    """The modules of a file.

    Attributes:
        modules: The modules, in the order of the file.
        ignored: The names of the arrays that no network needs, such as ``num_batches_tracked``.
        in_order: True if the order in the file is that in which the model declares its layers.
    """

    modules: tuple[Module, ...]
    ignored: tuple[str, ...]
    in_order: bool

    def named(self, name: str) -> list[Module]:
        """Return the module of a name, or else those whose names end with it."""
        exact = [module for module in self.modules if module.name == name]
        return exact or [m for m in self.modules if re.search(f"[./]{re.escape(name)}$", m.name)]

    def sorted(self, modules: Iterable[Module]) -> list[Module] | None:
        """Return some modules in the order of the model's layers; None if it is not known.

        Numbers in names are an order: ``features.3`` is before ``features.10``.
        """
        in_file = sorted(modules, key=lambda module: module.position)
        by_name = sorted(in_file, key=lambda module: _order_key(module.name))
        numbered = all(_differ_in_number(a.name, b.name) for a, b in pairwise(by_name))
        if not self.in_order:
            return by_name if numbered else None
        # Two orders that contradict each other are none.
        return None if numbered and by_name != in_file else in_file


def group_modules(
    headers: Mapping[str, ArrayHeader],
    places: Mapping[str, tuple[str, str]],
    ignored: Sequence[str],
    *,
    in_order: bool,
) -> ModuleList:
    """Return the modules of a file.

    Args:
        headers: The shape and dtype of each array, by its name.
        places: The module and the role of each array that is not ignored, by its name.
        ignored: The names of the arrays that no network needs.
        in_order: True if the file's kind keeps the order of the arrays.
    """
    arrays: dict[str, dict[str, str]] = {}
    for name, (module, role) in places.items():
        arrays.setdefault(module, {})[role] = name
    modules = tuple(
        Module(name, own, {role: headers[array].shape for role, array in own.items()}, number)
        for number, (name, own) in enumerate(arrays.items())
    )
    names = list(places)
    # Names in alphabetical order may have been sorted by the program that wrote them.
    return ModuleList(modules, tuple(ignored), in_order and names != sorted(names))


def _pieces(name: str) -> list[str | int]:
    """Return a name as text and numbers; a component without a number has the number -1."""
    pieces: list[str | int] = []
    for component in re.split(r"[./]", name):
        texts = _NUMBER.split(component)
        pieces += [int(text) if text.isdecimal() else text.rstrip("_") for text in texts]
        if len(texts) == 1:
            pieces += [-1, ""]
    return pieces


def _order_key(name: str) -> list[tuple[bool, str | int]]:
    return [(isinstance(piece, str), piece) for piece in _pieces(name)]


def _differ_in_number(one: str, other: str) -> bool:
    """Return True if the first difference of two names is a number."""
    pairs = zip(_pieces(one), _pieces(other), strict=False)
    first = next(((a, b) for a, b in pairs if a != b), ("", ""))
    return all(isinstance(piece, int) for piece in first)
