"""Checks of transforms that change some arrays of a sample, but not those that belong to them."""

import json
from collections.abc import Iterator, Mapping

from tinynet.data.data import Data
from tinynet.engine.inputs import own_name
from tinynet.errors import Problem
from tinynet.network.network import Network
from tinynet.text.wording import quote
from tinynet.types import Shape


def partly_mixed(network: Network, data: Data, names: Mapping[str, str]) -> Iterator[Problem]:
    """Yield a problem for each transform that mixes samples, but not all arrays that are used."""
    used = dict.fromkeys(map(own_name, [*network.input_shapes, *names.values()]))
    mixed: dict[str, list[str]] = {}
    for stage in data.preprocessing.stages:
        if stage.mixes:
            mixed.setdefault(f"{stage.pointer}/on", []).append(stage.on)
    for pointer, arrays in mixed.items():
        if missing := [name for name in used if name not in arrays]:
            yield _problem("samples are mixed in", arrays, missing, pointer)


def partly_moved(network: Network, data: Data, names: Mapping[str, str]) -> Iterator[Problem]:
    """Yield a problem for each transform that moves the pixels of an image, but not of its target.

    An input and a target belong together, pixel by pixel, if they have the same height and width
    where the transform is applied. Two transforms of one type draw different numbers, so one for
    each of the arrays is a problem as well.
    """
    used = [*dict.fromkeys(map(own_name, [*network.input_shapes, *names.values()]))]
    shapes = {name: field.shape for name, field in data.raw.items()}
    moved: dict[str, list[str]] = {}
    missing: dict[str, dict[str, None]] = {}
    for stage in data.preprocessing.stages:
        if stage.moves and stage.on in used:
            pointer = f"{stage.pointer}/on"
            moved.setdefault(pointer, []).append(stage.on)
            of_inputs = stage.on in data.inputs
            others = [name for name in used if (name in data.inputs) != of_inputs]
            alike = [name for name in others if _are_alike(stage.field.shape, shapes[name])]
            missing.setdefault(pointer, {}).update(dict.fromkeys(alike))
        shapes[stage.on] = stage.result.shape
    for pointer, arrays in moved.items():
        if others := [name for name in missing[pointer] if name not in arrays]:
            yield _problem("pixels are moved in", arrays, others, pointer)


def _are_alike(image: Shape, other: Shape) -> bool:
    return min(len(image), len(other)) >= 2 and image[:2] == other[:2]


def _problem(what: str, arrays: list[str], missing: list[str], pointer: str) -> Problem:
    those, others = (", ".join(map(quote, names)) for names in (arrays, missing))
    remedy = f'write "on": {json.dumps([*arrays, *missing])}'
    return Problem(f"{what} {those}, but not in {others}; {remedy}", pointer)
