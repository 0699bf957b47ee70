"""Reports of the results, for a terminal, for programs, and for the README."""

from dataclasses import asdict
from typing import Any

from versus.goals import HEAD, rows
from versus.names import OURS
from versus.quiet import QUIET
from versus.results import Result, Verdict, quartiles
from versus.sides import SIDES

Facts = dict[str, Any]


def header(facts: Facts) -> str:
    """Return the description of machine and method, a few lines."""
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    return (
        f"{facts['processor']}, {facts['cores']} cores, load {facts['load']}, {facts['system']}\n"
        f"{versions}\n"
        f"BLAS: {facts['blas']}\n"
        f"{speed(facts['gflops'])}\n"
        f"{facts['threads']} threads, {facts['pairs']} pairs, blocks of {facts['block']:g} s,"
        f" float32; {facts['date']}\n"
        f"{facts['command']}"
    )


def speed(gflops: dict[int, float]) -> str:
    """Return the speed of a matrix product by threads, and the speed-up."""
    one = gflops[1]
    others = [
        f"{rate:.0f} with {threads} ({rate / one:.2f} times as fast)"
        for threads, rate in gflops.items()
        if threads > 1
    ]
    figures = ", ".join([f"{one:.0f} GFLOP/s with 1 thread", *others])
    return f"product of 1,024 x 1,024 in NumPy, float32: {figures}"


def case(result: Result) -> str:
    """Format one result: medians with quartiles, and tinynet's ratios to every side."""
    ours = [name for name in result.values if name in OURS]
    disturbed = f" (others kept {result.others:.1f} cores busy)" if result.others > QUIET else ""
    lines = [result.title + disturbed]
    columns = "".join(f"{name + ' / it':>30}" for name in ours)
    lines.append(f"  {'':34}{'median':>10}{'quartiles':>22}{columns}")
    for name, values in result.values.items():
        low, high = quartiles(values)
        spread = f"{amount(low, result.unit)} - {amount(high, result.unit)}"
        ratios = "".join(_ratio(result, mine, name) for mine in ours)
        middle = amount(result.medians()[name], result.unit)
        lines.append(f"  {name:34}{middle:>10}{spread:>22}{ratios}")
    lines += [f"  {name:34}skipped: {reason}" for name, reason in result.skipped.items()]
    lines += [f"  {verdict.side}: {_sentence(verdict)}" for verdict in result.verdicts]
    return "\n".join(lines)


def _ratio(result: Result, mine: str, name: str) -> str:
    if name in OURS:
        return f"{'':30}"
    verdict = Verdict(result.title, mine, "ratio", result.ratios(mine, name))
    return f"{_figure(verdict):>30}"


def amount(value: float, unit: str) -> str:
    """Format a time or a size in a suitable unit."""
    if unit == "bytes":
        return f"{value / 2**20:.1f} MiB"
    if value < 1e-3:
        return f"{value * 1e6:.1f} us"
    return f"{value * 1e3:.2f} ms" if value < 1 else f"{value:.2f} s"


def _figure(verdict: Verdict) -> str:
    """Format a figure with its quartiles."""
    low, high = verdict.spread
    digits = 1 if verdict.unit else 2
    return f"{verdict.median:.{digits}f}{verdict.unit} ({low:.{digits}f} - {high:.{digits}f})"


def _goal(verdict: Verdict) -> str:
    if verdict.goal is None:
        return ""
    words = "at least" if verdict.at_least else "at most"
    return f"{words} {verdict.goal:g}{verdict.unit}"


def _met(verdict: Verdict) -> str:
    return {True: "met", False: "not met", None: ""}[verdict.met]


def _sentence(verdict: Verdict) -> str:
    figure = f"{verdict.measure} {_figure(verdict)}"
    return figure if verdict.goal is None else f"{figure}; goal {_goal(verdict)}: {_met(verdict)}"


def goals(results: list[Result]) -> str:
    """Return the number of goals met, the missed ones, and the absent sides."""
    judged = [verdict for result in results for verdict in result.verdicts if verdict.goal]
    missed = [verdict for verdict in judged if not verdict.met]
    lines = [f"{len(judged) - len(missed)} of {len(judged)} goals met"]
    lines += [f"  not met: {v.what}, {v.side}: {_sentence(v)}" for v in missed]
    lines += [f"  skipped: {line}" for line in _skipped(results)]
    if disturbed := _disturbed(results):
        lines.append("WARNING: the machine was not quiet, so these figures are not reliable:")
        lines += [f"  other processes computed meanwhile: {title}" for title in disturbed]
    return "\n".join(lines)


def goal_table(results: list[Result], *, every: bool) -> str:
    """Return the table of the goals for a terminal; see `goals.rows`."""
    cells = [HEAD, *rows(results, every=every)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(f"{c:{w}}" for c, w in zip(row, widths, strict=True)) for row in cells]
    return "\n".join(line.rstrip() for line in lines)


def as_json(facts: Facts, results: list[Result]) -> Facts:
    """Return all results as JSON, with every single measurement."""
    rows_of_results = []
    for result in results:
        verdicts = [asdict(v) | {"median": v.median, "met": v.met} for v in result.verdicts]
        rows_of_results.append(asdict(result) | {"medians": result.medians(), "verdicts": verdicts})
    return {**facts, "results": rows_of_results}


def markdown(facts: Facts, results: list[Result], *, every: bool) -> str:
    """Return tables for the README: the goals, the figures of all cases, and the medians."""
    parts = [
        "\n".join(f"{line}  " for line in header(facts).splitlines()[:-1]),
        f"`{facts['command']}`",
        _table(HEAD, rows(results, every=every)),
        _markdown_goals(results),
        _markdown_medians([result for result in results if result.values.keys() <= SIDES.keys()]),
        _markdown_lists([r for r in results if not r.values.keys() <= SIDES.keys()]),
        "\n".join(
            f"- not reliable, other processes computed meanwhile: {title}"
            for title in _disturbed(results)
        ),
        "\n".join(f"- {line}" for line in _skipped(results)),
    ]
    return "\n\n".join(part for part in parts if part)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _markdown_goals(results: list[Result]) -> str:
    rows = [
        [v.what, v.side, v.measure, _figure(v), _goal(v), _met(v)]
        for result in results
        for v in result.verdicts
    ]
    head = ["workload", "side", "measure", "median (quartiles) of the pairs", "goal", ""]
    return _table(head, rows) if rows else ""


def _markdown_medians(results: list[Result]) -> str:
    names = [name for name in SIDES if any(name in result.values for result in results)]
    rows = []
    for result in results:
        medians = result.medians()
        rows_of_results = [amount(medians[n], result.unit) if n in medians else "" for n in names]
        rows.append([result.title, *rows_of_results])
    return _table(["median", *names], rows) if rows else ""


def _markdown_lists(results: list[Result]) -> str:
    rows = [
        [result.title, name, amount(middle, result.unit)]
        for result in results
        for name, middle in result.medians().items()
    ]
    return _table(["workload", "", "median"], rows) if rows else ""


def _disturbed(results: list[Result]) -> list[str]:
    return [result.title for result in results if result.others > QUIET]


def _skipped(results: list[Result]) -> list[str]:
    """Return each reason once."""
    notes = [f"{name}: {why}" for result in results for name, why in result.skipped.items()]
    return list(dict.fromkeys(notes))
