"""Comparison of two versions of tinynet, and its report."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from versus.names import OURS
from versus.pairing import compare
from versus.quiet import QUIET
from versus.report import amount
from versus.results import Result, quartiles
from versus.sides import SIDES
from versus.workloads import Case

SLOWER = 1.03
"""The first quartile of the ratios above which the new version counts as slower."""

OLD, NEW = "old", "new"


@dataclass(frozen=True)
class Row:
    """The times of a case with both versions.

    Attributes:
        case: The title of the case.
        measure: Kernels, threads and kind of time.
        old: Seconds of the old version, one value for each round.
        new: Seconds of the new version in the same rounds.
    """

    case: str
    measure: str
    old: list[float]
    new: list[float]

    @property
    def ratios(self) -> list[float]:
        """The new version's times divided by the old one's: above 1, the new one is slower."""
        return [b / a for a, b in zip(self.old, self.new, strict=True)]

    @property
    def verdict(self) -> Literal["slower", "faster", ""]:
        """The change, if the ratios between the quartiles are all beyond the limit."""
        low, high = quartiles(self.ratios)
        if low > SLOWER:
            return "slower"
        return "faster" if high < 1 / SLOWER else ""


def rows_of(result: Result, kernels: str, threads: int) -> list[Row]:
    """Return the rows of a case that both versions ran."""
    labels = {label(kernels, 1): "1 thread, CPU time"}
    if threads > 1:
        labels[label(kernels, threads)] = f"{threads} threads, elapsed"
    return [
        Row(result.title, f"{kernels.removeprefix('tinynet ')}, {words}", old, new)
        for name, words in labels.items()
        if (old := result.values.get(f"{name}, {OLD}"))
        if (new := result.values.get(f"{name}, {NEW}"))
    ]


def label(kernels: str, threads: int) -> str:
    """Return the name of a side of tinynet with a number of threads, without the version."""
    return f"{kernels}, {threads} threads"


def measure(
    case: Case, kernels: str, pythons: dict[str, Path], threads: int, rounds: tuple[int, int, float]
) -> Result:
    """Measure a case with both versions: the CPU time of one thread, and the time of several.

    Args:
        case: The case.
        kernels: One of `OURS`.
        pythons: The interpreter by version.
        threads: Number of threads of the elapsed time.
        rounds: Rounds in each launch, launches, and seconds of a block.
    """
    assert kernels in OURS
    pairs, launches, block = rounds
    contenders = {
        f"{label(kernels, count)}, {version}": (replace(SIDES[kernels], python=str(python)), count)
        for count in dict.fromkeys((1, threads))
        for version, python in pythons.items()
    }
    single = {name for name, (_, count) in contenders.items() if count == 1}
    result = Result(case.title)
    for _ in range(launches):
        compare(case, contenders, pairs, block, result, cpu=single)
        # The next launches would fail in the same way.
        contenders = {n: own for n, own in contenders.items() if n not in result.skipped}
    result.drop_skipped()
    return result


def broken(skipped: dict[str, str]) -> list[str]:
    """Return the sides that only the new version cannot run, with their reasons."""
    return [
        f"{name}: {reason}"
        for name, reason in skipped.items()
        if name.endswith(NEW) and f"{name.removesuffix(NEW)}{OLD}" not in skipped
    ]


HEAD = f"{'':28}{'old':>12}{'new':>12}{'new / old':>24}"


def formatted(result: Result, rows: list[Row]) -> str:
    """Return the lines of a case: medians, and the ratio with its quartiles."""
    others = f" (others kept {result.others:.1f} cores busy)" if result.others > QUIET else ""
    lines = [result.title + others]
    lines += [_line(row) for row in rows]
    lines += [f"  {name} skipped: {reason}" for name, reason in result.skipped.items()]
    return "\n".join(lines)


def _line(row: Row) -> str:
    middle = Result(row.case, values={OLD: row.old, NEW: row.new, "ratio": row.ratios}).medians()
    low, high = quartiles(row.ratios)
    ratio = f"{middle['ratio']:.3f} ({low:.3f} - {high:.3f})"
    columns = f"{amount(middle[OLD], 's'):>12}{amount(middle[NEW], 's'):>12}{ratio:>24}"
    return f"  {row.measure:26}{columns}  {row.verdict}".rstrip()


def summary(rows: list[Row], disturbed: list[str], failed: list[str]) -> str:
    """Return the slower cases, and the reasons to doubt the figures."""
    slower = [row for row in rows if row.verdict == "slower"]
    lines = [f"{len(slower)} of {len(rows)} measurements slower: quartiles above {SLOWER}"]
    lines += [f"  slower: {row.case}: {' '.join(_line(row).split())}" for row in slower]
    lines += [f"  the new version fails: {line}" for line in failed]
    if disturbed:
        lines.append("WARNING: the machine was not quiet, so these figures are not reliable:")
        lines += [f"  other processes computed meanwhile: {title}" for title in disturbed]
    return "\n".join(lines)
