"""The profile as text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinynet.profiling.parts import Row
from tinynet.text.duration import duration
from tinynet.text.printing import counted, cut_middle, filled, printable

if TYPE_CHECKING:
    from tinynet.profiling.profile import Profile

_GAP = "  "

_INDENT = ("", "  ")

_MOST_NODES = 40
"""Nodes in the table that a run prints at its end."""

_SMALL = 0.005
"""Part of the step up to which sections are added up."""

_LONGEST_NAME = 28
"""Most characters of a name on a terminal; on a narrow one fewer."""

_SHORTEST_NAME = 14

_IMPORTANCE = ("", "share", "total", "kernels", "forward", "backward", "arrays", "output", "type")
"""The columns, those that are left out last on a narrow terminal first."""


@dataclass(frozen=True)
class _Column:
    head: str
    cells: Sequence[str]
    right: bool = True

    @property
    def width(self) -> int:
        return max(map(len, (self.head, *self.cells)))


def table_lines(profile: "Profile", width: int | None, *, whole: bool) -> list[str]:
    """Return the table of a profile with its head and the lines below it.

    Args:
        profile: The profile.
        width: Columns of the terminal; None if it is none.
        whole: Show all nodes.
    """
    unit, scale = _unit(profile.typical.mean)
    rows = _without_small(profile.rows if whole else _kept(profile.rows), profile.typical.mean)
    columns = _columns(rows, profile.typical.mean, scale)
    columns = _fitting(columns, width)
    lines = [*_head(profile, unit, width), ""]
    table = [[column.head for column in columns], *zip(*(c.cells for c in columns), strict=True)]
    for number, cells in enumerate(table):
        if number == len(table) - 1:
            lines.append("-" * _width(columns))
        lines.append(_line(columns, cells))
    return [*lines, "", *_foot(profile, width)]


def _line(columns: Sequence[_Column], cells: Sequence[str]) -> str:
    parts = [
        cell.rjust(column.width) if column.right else cell.ljust(column.width)
        for column, cell in zip(columns, cells, strict=True)
    ]
    return _GAP.join(parts).rstrip()


def _width(columns: Sequence[_Column]) -> int:
    return sum(column.width + len(_GAP) for column in columns) - len(_GAP)


# The table ------------------------------------------------------------------------------------


def _kept(rows: Sequence[Row]) -> Sequence[Row]:
    """Return the rows that are shown; the nodes that take little time are added up."""
    most = _MOST_NODES
    if sum(row.kind in ("node", "chain", "layer") for row in rows) <= most:
        return rows
    rows = [row for row in rows if row.kind != "layer"]
    nodes = [row for row in rows if row.kind in ("node", "chain")]
    if len(nodes) <= most:
        return rows
    slowest = sorted(nodes, key=lambda row: row.total, reverse=True)
    shown, others = {id(row) for row in slowest[: most - 1]}, slowest[most - 1 :]
    together = _sum(counted(len(others), "other node"), others)
    first = [row for row in nodes if id(row) in shown]
    return [*first, together, *(row for row in rows if row not in nodes)]


def _without_small(rows: Sequence[Row], step: float) -> Sequence[Row]:
    """Return the rows with the sections that take next to no time added up."""
    small = [row for row in rows if row.kind == "section" and row.total < _SMALL * step]
    if len(small) < 2:
        return rows
    return [*(row for row in rows if row not in small), _sum("other", small)]


def _sum(name: str, rows: Sequence[Row]) -> Row:
    return Row(
        kind="section",
        name=name,
        forward=sum(row.forward for row in rows),
        backward=sum(row.backward for row in rows),
        total=sum(row.total for row in rows),
        kernels=sum(row.kernels for row in rows),
        bytes=sum(row.bytes or 0 for row in rows),
    )


def _columns(rows: Sequence[Row], step: float, scale: Callable[[float], str]) -> list[_Column]:
    step_row = _sum("step", [row for row in rows if row.kind != "layer"])
    if any(row.kind == "chain" and not row.forward for row in rows):
        # It was replayed with the loss, so the others do not have the forward of the step.
        step_row = step_row.model_copy(update={"forward": 0.0, "backward": 0.0})
    rows = [*rows, step_row]

    def column(head: str, cell: Callable[[Row], str], right: bool = True) -> _Column:
        return _Column(head, [cell(row) for row in rows], right)

    return [
        column("", lambda row: _INDENT[row.kind == "layer"] + printable(row.name), right=False),
        column("type", lambda row: printable(row.type), right=False),
        column("output", _output, right=False),
        column("forward", lambda row: scale(row.forward) if row.forward else ""),
        column("backward", lambda row: scale(row.backward) if row.backward else ""),
        column("total", lambda row: scale(row.total)),
        column("share", lambda row: "" if row.kind == "layer" else _percent(row.total, step)),
        column("kernels", lambda row: _percent(row.kernels, row.total) if row.kernels else ""),
        column("arrays", lambda row: bytes_text(row.bytes) if row.bytes else ""),
    ]


def _fitting(columns: Sequence[_Column], width: int | None) -> list[_Column]:
    """Return the columns that fit, with shortened names."""
    first = columns[0]
    if width is None:
        return [*columns]
    others = [c for c in columns[1:] if c.head in _IMPORTANCE[:6]]
    room = width - sum(column.width + len(_GAP) for column in others)
    longest = min(max(room, _SHORTEST_NAME), _LONGEST_NAME)
    columns = [
        _Column(first.head, [cut_middle(cell, longest) for cell in first.cells], right=False),
        *columns[1:],
    ]
    for head in reversed(_IMPORTANCE):
        if _width(columns) <= width:
            break
        columns = [column for column in columns if column.head != head or not head]
    return [*columns]


def _output(row: Row) -> str:
    return "" if row.output is None else "x".join(map(str, row.output)) or "1"


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f}%" if whole else ""


def _unit(step: float) -> tuple[str, Callable[[float], str]]:
    """Return the unit of the times, and a function that returns a time as text."""
    if step < 1e-3:
        return "microseconds", lambda seconds: f"{seconds * 1e6:.1f}"
    digits = 3 if step < 1e-2 else 2 if step < 1 else 1
    return "milliseconds", lambda seconds: f"{seconds * 1e3:,.{digits}f}"


# The text -------------------------------------------------------------------------------------


def _head(profile: "Profile", unit: str, width: int | None) -> list[str]:
    span = f"steps {profile.first:,} to {profile.last:,}"
    if profile.first == profile.last:
        span = f"step {profile.first:,}"
    text = (
        f"Profile of {counted(profile.recorded.count, 'step')} ({span}) of"
        f" {_samples(profile.samples)}, on {counted(profile.threads, 'thread')} with"
        f" {profile.kernels} kernels. Times in {unit}: means over the"
        f" {counted(profile.typical.count, 'step')} nearest to the median."
    )
    return filled(text.split(), width, " ")


def _samples(mean: float) -> str:
    """Return the number of samples in a step; batches differ where the last one is smaller."""
    return counted(int(mean), "sample") if mean == int(mean) else f"{mean:,.1f} samples on average"


def _foot(profile: "Profile", width: int | None) -> list[str]:
    step, memory, run = profile.recorded, profile.memory, profile.run
    speed = profile.samples / step.median if step.median else 0
    sentences = [
        f"step: median {_time(step.median)}, from {_time(step.least)} to {_time(step.most)};"
        f" {speed:,.0f} samples/s"
    ]
    if profile.layers is not None:
        sentences.append(
            "a chain is replayed in one call; its indented layers have the times of"
            f" {counted(profile.layers.count, 'other step')}, in which they were called one by one"
            f" (median {_time(profile.layers.median)})"
        )
    if profile.plain is not None and profile.overhead is not None:
        sentences.append(
            f"recording: {profile.overhead:+.1%} (first quartiles: {_time(step.quartile)}, and"
            f" {_time(profile.plain.quartile)} for {counted(profile.plain.count, 'step')} that were"
            " not recorded)"
        )
    if profile.background:
        parts = [f"{name} {_time(each)}" for name, each in profile.background.items()]
        sentences.append(f"in the background, per step: {', '.join(parts)}")
    sentences.append(
        f"memory: peak of the process {bytes_text(memory.peak)}; parameters"
        f" {bytes_text(memory.parameters)}, optimizer {bytes_text(memory.optimizer)}, workspaces"
        f" {bytes_text(memory.workspaces)}"
    )
    works = [
        f"{counted(work.count, word)} in {_time(work.seconds)}"
        for work, word in (
            (run.steps, "step"),
            (run.evaluations, "evaluation"),
            (run.saves, "save"),
        )
        if work.count
    ]
    sentences.append(f"run: {', '.join(works)}")
    for rank, process in enumerate(profile.processes):
        sentences.append(
            f"process {rank} on {printable(process.host)}: step {_time(process.step)}, of which"
            f" {_percent(process.waiting, process.step)} with other processes"
        )
    return [line for sentence in sentences for line in filled(sentence.split(), width, " ")]


def _time(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.1f} us"
    return f"{seconds * 1e3:.2f} ms" if seconds < 1 else duration(seconds)


def bytes_text(size: int) -> str:
    """Return a number of bytes as short text: ``312 B``, ``1.5 MB``."""
    number = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
