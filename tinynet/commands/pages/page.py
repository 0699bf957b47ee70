"""Pages from templates: one HTML file each, with its style and scripts, that loads nothing."""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tinynet.commands.pages.charts import (
    Drawing,
    draw_bars,
    draw_heatmap,
    draw_histogram,
    draw_lines,
    draw_scatter,
)
from tinynet.commands.pages.charts.numbers import number_text, share_text
from tinynet.commands.pages.charts.svg import clean, shorten
from tinynet.commands.pages.tables import view_of
from tinynet.commands.report.charts import BarChart, Heatmap, Histogram, LineChart, ScatterChart
from tinynet.extras import importing
from tinynet.text.printing import counted

TEMPLATES = Path(__file__).with_name("templates")
"""The folder of base.html.j2, which pages extend, and of parts.html.j2, whose macros they use."""

AnyChart = LineChart | ScatterChart | BarChart | Histogram | Heatmap


@dataclass(frozen=True)
class Frame:
    """The parts of a page that its template does not name.

    Attributes:
        style: The style sheet.
        scripts: The scripts.
        policy: The content security policy: no request, and no script but these.
    """

    style: str
    scripts: tuple[str, ...]
    policy: str


def render_page(
    template: Path,
    values: Mapping[str, Any],
    *,
    purpose: str,
    extra: str = "report",
    scripts: Sequence[str] = (),
    filters: Mapping[str, Callable[..., Any]] | None = None,
    connect: bool = False,
) -> str:
    """Return a page.

    Args:
        template: The file of a template that extends base.html.j2. Every value is escaped, and a
            name without a value is an error.
        values: The values that it uses; ``title``, and ``contents``: id and name of each section.
        purpose: The command that needs the page, for the message without jinja2.
        extra: The extra that installs jinja2 for it.
        scripts: Further scripts.
        filters: Further filters.
        connect: Allow requests to the server that the page comes from, and images as ``blob:``.

    Raises:
        MissingPackageError: if jinja2 is not installed.
    """
    with importing(extra, purpose):
        import jinja2
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([template.parent, TEMPLATES]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "cells": view_of,
        "counted": counted,
        "cut": shorten,
        "data_uri": data_uri,
        "draw": draw,
        "number": lambda value: "" if value is None else number_text(value),
        "percent": share_text,
        **(filters or {}),
    }
    everything = {"contents": (), **values, "page": frame_of(scripts, connect)}
    return str(environment.get_template(template.name).render(everything))


def _finalize(value: Any) -> Any:
    """Replace the characters of a text that would garble the page; None is empty."""
    if value is None:
        return ""
    return clean(value) if type(value) is str else value


def draw(chart: AnyChart) -> Drawing:
    """Return the drawing of a chart of any kind."""
    match chart:
        case LineChart():
            return draw_lines(chart)
        case ScatterChart():
            return draw_scatter(chart)
        case BarChart():
            return draw_bars(chart)
        case Histogram():
            return draw_histogram(chart)
        case Heatmap():
            return draw_heatmap(chart)


def data_uri(png: bytes) -> str:
    """Return the content of a PNG file as a URI."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def frame_of(scripts: Sequence[str] = (), connect: bool = False) -> Frame:
    """Return style, scripts and security policy of a page."""
    style, script = _shared()
    everything = (script, *scripts)
    hashes = " ".join(f"'sha256-{_hash(text)}'" for text in everything)
    rules = {
        "default-src": "'none'",
        "script-src": hashes,
        "style-src": "'unsafe-inline'",
        "img-src": "data: blob:" if connect else "data:",
        "connect-src": "'self'" if connect else "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return Frame(style, everything, "; ".join(f"{name} {rule}" for name, rule in rules.items()))


@cache
def _shared() -> tuple[str, str]:
    """Return the style sheet and the script of every page."""
    style, script = (TEMPLATES / name for name in ("style.css", "script.js"))
    return style.read_text(encoding="utf-8"), script.read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
