"""Measurement of the workloads, one function each, and of their goals."""

from versus.pairing import SideError, compare, taking_part, weighed
from versus.results import Result, Verdict
from versus.sides import SIDES, before
from versus.workloads import CHANNELS_LAST, OURS, PRODUCTS, TORCH, Case

MEMORY_GOAL = 0.5
PRODUCTS_GOAL = 2.0
BEFORE_GOAL = 1.03
SPEED_UP_GOAL = 0.95


def side_by_side(case: Case, threads: int, pairs: int, launches: int = 1) -> Result:
    """Measure a case on every side, and its bare matrix products.

    The addresses of arrays change the speed of a process by several percent. So small differences
    need several launches, among which the rounds are divided.
    """
    result = Result(case.title)
    for _ in range(launches):
        sides = taking_part(case, result, tuple(SIDES.keys() - result.skipped.keys()))
        contenders = {name: (sides[name], threads) for name in SIDES if name in sides}
        compare(case, contenders, -(-pairs // launches), result)
    result.values = {n: v for n, v in result.values.items() if n not in result.skipped}
    fastest = result.least(case.peers)
    for ours in OURS:
        if {ours, before(ours)} <= result.values.keys():
            ratios = result.ratios(ours, before(ours))
            result.verdicts.append(
                Verdict(case.title, ours, "ratio to before", ratios, goal=BEFORE_GOAL)
            )
        if ours not in result.values or fastest is None:
            continue
        if ours in case.allowances:
            both = zip(result.values[ours], result.values[fastest], strict=True)
            beyond = [(a - b) * 1e6 for a, b in both]
            allowed = case.allowances[ours] * 1e6
            result.verdicts.append(
                Verdict(case.title, ours, f"time beyond {fastest}", beyond, " us", allowed)
            )
        else:
            ratios, limit = result.ratios(ours, fastest), case.limits.get(ours)
            measure = f"ratio to {fastest}"
            result.verdicts.append(Verdict(case.title, ours, measure, ratios, goal=limit))
    return result


def scaling(case: Case, threads: int, pairs: int) -> Result:
    """Measure a step and its bare matrix products, on one thread and on several."""

    def label(name: str, count: int) -> str:
        return f"{name}, {count} thread{'s' if count > 1 else ''}"

    result = Result(f"{case.title}, and its matrix products")
    sides = taking_part(case, result, (*OURS, PRODUCTS))
    counts = tuple(dict.fromkeys((1, threads)))
    contenders = {label(n, c): (side, c) for n, side in sides.items() for c in counts}
    compare(case, contenders, pairs, result)
    there, many = result.values.keys(), label(PRODUCTS, threads)
    for ours in OURS:
        mine = label(ours, threads)
        if {mine, many} <= there:
            ratios = result.ratios(mine, many)
            measure = f"ratio to the products, {threads} threads"
            goal = PRODUCTS_GOAL if case.network == "convnet" else None
            result.verdicts.append(Verdict(case.title, ours, measure, ratios, goal=goal))
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
    for result in (beyond, whole):
        least = result.least((TORCH, CHANNELS_LAST))
        for ours in OURS:
            if least is not None and ours in result.values:
                ratios, measure = result.ratios(ours, least), f"ratio to {least}"
                goal = MEMORY_GOAL if case.network == "mnist_cnn" else None
                result.verdicts.append(Verdict(result.title, ours, measure, ratios, goal=goal))
    return [beyond, whole]
