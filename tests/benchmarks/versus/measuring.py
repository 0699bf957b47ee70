"""Measurement of the workloads, one function each, and of their goals."""

from collections.abc import Iterable

from versus.goals import MEMORY, PRODUCTS_ALONE, Goal
from versus.names import CHANNELS_LAST, OURS, PRODUCTS, TORCH
from versus.pairing import SideError, compare, taking_part, weighed
from versus.results import Result, Verdict
from versus.sides import SIDES
from versus.workloads import Case

SPEED_UP_GOAL = 0.95


def side_by_side(case: Case, threads: int, pairs: int, launches: int, block: float) -> Result:
    """Measure a case on every side, and its bare matrix products.

    The addresses of arrays change the speed of a process by several percent. So small differences
    need several launches, among which the rounds are divided.
    """
    result = Result(case.title)
    for _ in range(launches):
        sides = taking_part(case, result, tuple(SIDES.keys() - result.skipped.keys()))
        contenders = {name: (sides[name], threads) for name in SIDES if name in sides}
        compare(case, contenders, -(-pairs // launches), block, result)
    result.drop_skipped()
    fastest = result.least(case.peers)
    if fastest is not None:
        add_ratios(result, OURS, fastest, case.goal)
    return result


def add_ratios(result: Result, ours: Iterable[str], peer: str, goal: Goal | None) -> None:
    """Add the ratios of tinynet's sides to a peer to the verdicts of a result."""
    limits, row = (goal.limits, goal.title) if goal is not None else ({}, "")
    for name in ours:
        if name in result.values:
            ratios, measure = result.ratios(name, peer), f"ratio to {peer}"
            result.verdicts.append(
                Verdict(result.title, name, measure, ratios, goal=limits.get(name), row=row)
            )


def scaling(case: Case, threads: int, pairs: int, block: float) -> Result:
    """Measure a step and its bare matrix products, on one thread and on several."""

    def label(name: str, count: int) -> str:
        return f"{name}, {count} thread{'s' if count > 1 else ''}"

    result = Result(f"{case.title}, and its matrix products")
    sides = taking_part(case, result, (*OURS, PRODUCTS))
    counts = tuple(dict.fromkeys((1, threads)))
    contenders = {label(n, c): (side, c) for n, side in sides.items() for c in counts}
    compare(case, contenders, pairs, block, result)
    there, many = result.values.keys(), label(PRODUCTS, threads)
    for ours in OURS:
        mine = label(ours, threads)
        if {mine, many} <= there:
            ratios = result.ratios(mine, many)
            measure = f"ratio to the products, {threads} threads"
            # The smaller convnet has no goal: its products take little of a step.
            goal, row = PRODUCTS_ALONE.limits[ours], PRODUCTS_ALONE.title
            judged = {"goal": goal, "row": row} if case.network == "convnet" else {}
            result.verdicts.append(Verdict(case.title, ours, measure, ratios, **judged))
        if threads > 1 and {mine, many, label(ours, 1), label(PRODUCTS, 1)} <= there:
            own = result.ratios(label(ours, 1), mine)
            bare = result.ratios(label(PRODUCTS, 1), many)
            shares = [a / b for a, b in zip(own, bare, strict=True)]
            measure = f"speed-up by {threads} threads / that of the products"
            result.verdicts.append(
                Verdict(case.title, ours, measure, shares, goal=SPEED_UP_GOAL, at_least=True)
            )
    return result


def memory(case: Case, threads: int, pairs: int) -> list[Result]:
    """Measure the peak memory of training: beyond the imports, and of the whole process."""
    title = f"{case.network}, peak memory of training, batch {case.batch}"
    beyond, whole = Result(f"{title}, beyond imports", "bytes"), Result(title, "bytes")
    sides = taking_part(case, beyond, (*OURS, TORCH, CHANNELS_LAST))
    for name, side in sides.items():
        try:
            peaks = [weighed(case, side, threads) for _ in range(pairs)]
        except SideError as error:
            beyond.skipped[name] = str(error)
            continue
        beyond.values[name] = [float(first) for first, _ in peaks]
        whole.values[name] = [float(second) for _, second in peaks]
    for result, goal in ((beyond, None), (whole, MEMORY)):
        least = result.least((TORCH, CHANNELS_LAST))
        if least is not None:
            add_ratios(result, OURS, least, goal)
    return [beyond, whole]
