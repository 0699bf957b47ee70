"""The goals, as rows of a table, and the table of the measured figures."""

from dataclasses import dataclass

from versus.names import NATIVE, NUMPY
from versus.results import Result, Verdict


@dataclass(frozen=True)
class Goal:
    """A row of the table: what is measured, and the largest figure of each side.

    Attributes:
        title: The measured workloads.
        native: Limit with the native kernels; None without a goal.
        numpy: Limit with the NumPy kernels; None without a goal.
    """

    title: str
    native: float | None = None
    numpy: float | None = None

    @property
    def limits(self) -> dict[str, float | None]:
        """The limits by side."""
        return {NATIVE: self.native, NUMPY: self.numpy}


SMALL_BATCH = Goal("convnets and MLPs, batch 1", 0.35, 1.2)
BATCH = Goal("convnets and MLPs, batch 32 and 128", 0.5, 1.2)
NORMED = Goal("with batch norm, batch 64", 0.7, 1.5)
SEQUENCES = Goal("LSTM, GRU, GPT", 0.7, 1.5)
SEPARABLE = Goal("depthwise-separable and 1-D networks", 0.6, 1.5)
INFERENCE_1 = Goal("inference against ONNX Runtime, batch 1", 1.0, 3.0)
INFERENCE = Goal("inference against ONNX Runtime, batch 128", 0.9, 2.0)
TABLES = Goal("whole job on a table against scikit-learn", 0.7, 1.0)
PRODUCTS_ALONE = Goal("step against its matrix products alone", 1.15, 2.0)
MNIST_JOB = Goal("whole job to 0.98 on MNIST against torch", 0.35, 0.8)
MEMORY = Goal("peak memory of the process against torch", 0.2, 0.25)
GROUP_NORMED = Goal("with group norm", native=0.7)
GENERATION = Goal("generation of a text", 0.5, 2.0)

GOALS = (
    *(SMALL_BATCH, BATCH, NORMED, SEQUENCES, SEPARABLE, INFERENCE_1, INFERENCE, TABLES),
    *(PRODUCTS_ALONE, MNIST_JOB, MEMORY, GROUP_NORMED, GENERATION),
)
"""All rows, in the order of the table. Ratios to the fastest peer, unless the title names one."""

HEAD = ["workload", "kernels", "goal", "measured", "", "measured case with the largest figure"]


def rows(results: list[Result], *, every: bool) -> list[list[str]]:
    """Return the cells of the table, a row for each goal and side.

    Args:
        results: The results of all cases; of those with the same goal, the largest figure counts.
        every: True to include goals of which nothing was measured.
    """
    verdicts = [verdict for result in results for verdict in result.verdicts]
    cells = []
    for goal in GOALS:
        for side, limit in goal.limits.items():
            own = [v for v in verdicts if v.row == goal.title and v.side == side]
            if limit is not None and (own or every):
                kernels = side.removeprefix("tinynet ")
                cells.append([goal.title, kernels, f"at most {limit:g}", *_measured(own)])
    return cells


def _measured(verdicts: list[Verdict]) -> tuple[str, str, str]:
    """Return the largest figure with its quartiles, whether the goal is met, and the case."""
    if not verdicts:
        return "not measured", "", ""
    worst = max(verdicts, key=lambda verdict: verdict.median)
    low, high = worst.spread
    met = sum(bool(verdict.met) for verdict in verdicts)
    count = f" ({met} of {len(verdicts)} met)" if len(verdicts) > 1 else ""
    word = "met" if met == len(verdicts) else f"not met{count}"
    return f"{worst.median:.2f} ({low:.2f} - {high:.2f})", word, f"{worst.what}: {worst.measure}"
