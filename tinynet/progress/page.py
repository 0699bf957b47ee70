"""The progress of a run as HTML, for the output of a notebook's cell."""

from collections.abc import Iterable, Sequence
from html import escape

from tinynet.progress.surface import Row
from tinynet.text.printing import counted, figure, printable

_CELL = 'style="text-align:right;padding:0.1em 0.7em;white-space:nowrap"'
_TEXT = 'style="margin:0.2em 0;white-space:pre-wrap"'


def page(
    before: Iterable[str],
    rows: Sequence[Row],
    hidden: int,
    status: tuple[float, str] | None,
    after: Iterable[str],
) -> str:
    """Return the HTML of a run's progress, in the colors of the notebook.

    Args:
        before: Texts above the table.
        rows: The rows of the table.
        hidden: The number of earlier rows, which are left out.
        status: The share of the run that is done, and the text beside the bar; None at the end.
        after: Texts below the table.
    """
    parts = [_paragraph(text) for text in before]
    if hidden:
        parts.append(_paragraph(f"{counted(hidden, 'earlier evaluation')} in metrics.jsonl"))
    parts += [_table(rows)] if rows else []
    parts += [_bar(*status)] if status is not None else []
    parts += [_paragraph(text) for text in after]
    return f"<div>{''.join(parts)}</div>"


def _paragraph(text: str) -> str:
    return f"<p {_TEXT}>{escape(text)}</p>"


def _table(rows: Sequence[Row]) -> str:
    head = [rows[0].unit, *map(printable, rows[0].figures), "samples/s", "best"]
    cells = "".join(f'<th scope="col" {_CELL}>{escape(name)}</th>' for name in head)
    best = next((row for row in reversed(rows) if row.improved), None)
    lines = "".join(_line(row, strong=row is best) for row in rows)
    table = f"<table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table>"
    return f'<div style="overflow-x:auto">{table}</div>'


def _line(row: Row, *, strong: bool) -> str:
    """Return a row; the best of all is strong, and those that were the best have a word."""
    cells = [row.label, *map(figure, row.figures.values()), row.speed]
    cells.append("best" if row.improved else "")
    tag = "strong" if strong else "span"
    inner = "".join(f"<td {_CELL}><{tag}>{escape(cell)}</{tag}></td>" for cell in cells)
    return f"<tr>{inner}</tr>"


def _bar(share: float, text: str) -> str:
    value = f'value="{min(share, 1.0):.4f}" max="1" aria-label="training"'
    return (
        f'<p {_TEXT}><progress {value} style="width:16em;max-width:40%;vertical-align:middle">'
        f"</progress> {escape(text)}</p>"
    )
