"""The page on which a person can try a model."""

import json
from collections.abc import Sequence, Sized
from pathlib import Path
from typing import Any

from tinynet.commands.pages.page import render_page
from tinynet.commands.serve.description import Description, TableColumn
from tinynet.commands.serve.limits import Limits, size_text
from tinynet.text.printing import counted

_TEMPLATE = Path(__file__).with_name("serve.html.j2")
_SCRIPTS = [Path(__file__).with_name(name) for name in ("positions.js", "serve.js")]

MAX_FIELDS = 60
"""The most columns for which there is a form."""

MAX_COLORS = 256
"""The most classes that have colors of their own in every map."""

_LONG = 1000
"""Characters of an example from which on it is written without spaces."""


def page_of(description: Description, limits: Limits, source: str) -> str:
    """Return the page of a model.

    Raises:
        MissingPackageError: if jinja2 is not installed.
    """
    values = {
        "title": description.name,
        "model": description,
        "source": source,
        "facts": _facts(description),
        "fields": _fields(description),
        "classes": json.dumps(_classes(description)),
        "example": _example_text(description.example),
        "words": description.example if isinstance(description.example, str) else "",
        "table": _table_text(description),
        "accept": ",".join(description.endings),
        "size": size_text(limits.max_size),
        "limits": limits,
        "curl": _curl(description),
    }
    scripts = [path.read_text(encoding="utf-8") for path in _SCRIPTS]
    return render_page(
        _TEMPLATE, values, purpose="tinynet serve", extra="serve", scripts=scripts, connect=True
    )


def _fields(description: Description) -> Sequence[TableColumn]:
    """Return the columns of the form for one row; none if a sample has several rows, or many."""
    fits = len(description.columns) <= MAX_FIELDS and isinstance(description.example, dict)
    return description.columns if fits else ()


def _classes(description: Description) -> dict[str, list[str]]:
    """Return the classes of the outputs, in the order of their colors in a map.

    The name of the only output is empty, as it is in the names of predictions.
    """
    several = len(description.outputs) > 1
    return {
        name if several else "": entry["classes"]
        for name, entry in description.outputs.items()
        if len(entry.get("classes", ())) in range(1, MAX_COLORS + 1)
    }


def _facts(description: Description) -> list[dict[str, str]]:
    facts = []
    for name, entry in description.inputs.items():
        shape = " x ".join(map(str, entry["shape"])) or "one value"
        text = counted(len(description.columns), "column") if description.columns else shape
        facts.append(
            {
                "name": _titled("Input", name, description.inputs),
                "text": f"{text} ({entry['dtype']})",
            }
        )
    if description.columns:
        facts = [
            {"name": "Input", "text": f"a table of {counted(len(description.columns), 'column')}"}
        ]
    for name, entry in description.outputs.items():
        classes = entry.get("classes")
        shape = " x ".join(map(str, entry["shape"])) or "one"
        text = f"{shape} values"
        if classes is not None:
            more = f" and {len(classes) - 20:,} more" if len(classes) > 20 else ""
            names = ", ".join(map(_label, classes[:20]))
            text = f"{counted(len(classes), 'class', 'es')}: {names}{more}"
            each = entry["shape"][:-1] if entry["shape"][-1:] == [len(classes)] else []
            if each:
                text = f"{' x '.join(map(str, each))} positions, each of {text}"
        elif entry["shape"] in ([], [1]):
            text = "a number"
        facts.append({"name": _titled("Output", name, description.outputs), "text": text})
    return facts


def _label(name: str) -> str:
    """Return the name of a class; one that is invisible is quoted."""
    return name if name.strip() else json.dumps(name)


def _titled(word: str, name: str, others: Sized) -> str:
    return f"{word} {name}" if len(others) > 1 else word


def _example_text(example: Any) -> str:
    if example is None:
        return ""
    text = json.dumps(example, indent=2 if isinstance(example, dict) else None, ensure_ascii=False)
    return text if len(text) < _LONG else json.dumps(example, separators=(",", ":"))


def _table_text(description: Description) -> str:
    """Return a CSV text with the columns of a table and one row."""
    if not description.columns:
        return ""
    example = description.example
    records = example if isinstance(example, list) else [example]
    rows = [[column.name for column in description.columns], *(r.values() for r in records)]
    return "\n".join(",".join(map(_cell, row)) for row in rows)


def _cell(value: Any) -> str:
    text = str(value)
    if any(character in text for character in ',"\n\r'):
        return '"' + text.replace('"', '""') + '"'
    return text


def _curl(description: Description) -> list[str]:
    """Return the parts of commands after the address."""
    files = {"table": "new.csv", "image": "image.png"}
    lines = []
    if description.example is not None and len(json.dumps(description.example)) < 200:
        quoted = json.dumps(description.example).replace("'", "'\\''")
        lines.append(f"-d '{quoted}'")
    else:
        lines.append("-d @samples.json")
    if description.kind in files:
        lines.append(f"-F file=@{files[description.kind]}")
    return lines
