"""JSON as a person writes it: what fits on a line is on one line."""

import json
from typing import Any

WIDTH = 96


def format_json(value: Any, indent: int = 0, before: int = 0) -> str:
    """Return a value as JSON; ``before`` characters of its first line are already taken."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value:
        return flat
    if indent and before + len(flat) <= WIDTH:
        return flat
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        lines = []
        for key, part in value.items():
            name = json.dumps(key, ensure_ascii=False)
            text = format_json(part, indent + 2, len(inner) + len(name) + 3)
            lines.append(f"{inner}{name}: {text}")
        return "{\n" + ",\n".join(lines) + "\n" + " " * indent + "}"
    if all(not isinstance(part, dict | list) for part in value):
        return _wrapped([json.dumps(part, ensure_ascii=False) for part in value], indent)
    lines = [f"{inner}{format_json(part, indent + 2, len(inner) + 1)}" for part in value]
    return "[\n" + ",\n".join(lines) + "\n" + " " * indent + "]"


def _wrapped(parts: list[str], indent: int) -> str:
    """Return a list of plain values, as many on a line as fit."""
    inner = " " * (indent + 2)
    lines = [inner]
    for part in parts:
        if len(lines[-1]) + len(part) + 2 > WIDTH and lines[-1] != inner:
            lines.append(inner)
        lines[-1] += f"{part}, "
    return (
        "[\n" + "\n".join(line.rstrip() for line in lines).rstrip(",") + "\n" + " " * indent + "]"
    )
