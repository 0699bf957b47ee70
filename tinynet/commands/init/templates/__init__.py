"""Specs to start from; each is a JSON file of this folder."""

import json
from dataclasses import dataclass
from importlib.resources import files

SUFFIX = ".json"


@dataclass(frozen=True)
class Template:
    """A spec to start from.

    Attributes:
        name: Its name.
        comment: Its purpose, in a sentence.
        needs: The file that it reads; empty if it can be trained as it is.
        text: The spec.
    """

    name: str
    comment: str
    needs: str
    text: str


def templates() -> list[Template]:
    """Return all templates, sorted by name."""
    found = []
    for file in sorted(files(__package__).iterdir(), key=lambda file: file.name):
        if file.name.endswith(SUFFIX):
            text = file.read_text(encoding="utf-8")
            spec = json.loads(text)
            needs = spec["data"].get("path", "")
            found.append(Template(file.name.removesuffix(SUFFIX), spec["comment"], needs, text))
    return found
