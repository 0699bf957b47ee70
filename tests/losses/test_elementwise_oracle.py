"""Elementwise losses against PyTorch, in float64, on random configurations.

Losses that PyTorch lacks are compared with their formula, and the gradients with its derivatives.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.losses.hinge import Hinge, SquaredHinge
from tinynet.builtin.losses.poisson import Poisson
from tinynet.builtin.losses.regression import LogCosh, Quantile, SmoothL1
from tinynet.builtin.losses.relative_errors import MAPE, MSLE

from .oracle import compare, draw_weights

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

seeds = st.integers(0, 2**32 - 1)
shapes = st.lists(st.integers(1, 4), min_size=2, max_size=4).map(tuple)
scales = st.sampled_from([0.1, 1.0, 10.0])
options = st.floats(0.05, 0.95)
many = settings(max_examples=150, deadline=None)


def poisson(z: Any, option: float, *, log_input: bool, full: bool) -> tuple[dict[str, Any], Any]:
    """Return the options of a Poisson loss, and the loss in torch."""
    given = {"log_input": log_input, "full": full}

    def function(x: Any) -> Any:
        return torch.nn.functional.poisson_nll_loss(x, z, eps=option, reduction="none", **given)

    return given | {"epsilon": option}, function


CASES: dict[str, tuple[Any, str, Any]] = {
    "smooth_l1": (
        SmoothL1,
        "numbers",
        lambda z, o: (
            {"beta": o},
            lambda x: torch.nn.functional.smooth_l1_loss(x, z, beta=o, reduction="none"),
        ),
    ),
    "log_cosh": (LogCosh, "numbers", lambda z, o: ({}, lambda x: (x - z).cosh().log())),
    "quantile": (
        Quantile,
        "numbers",
        lambda z, o: ({"quantile": o}, lambda x: torch.maximum(o * (z - x), (o - 1) * (z - x))),
    ),
    "mape": (
        MAPE,
        "numbers",
        lambda z, o: ({"epsilon": o}, lambda x: 100 * (x - z).abs() / z.abs().clamp(min=o)),
    ),
    "msle": (
        MSLE,
        "counts",
        lambda z, o: ({}, lambda x: (x.clamp(min=0).log1p() - z.log1p()).square()),
    ),
    "hinge": (Hinge, "signs", lambda z, o: ({}, lambda x: (1 - z * x).clamp(min=0))),
    "squared_hinge": (
        SquaredHinge,
        "signs",
        lambda z, o: ({}, lambda x: (1 - z * x).clamp(min=0).square()),
    ),
    "poisson": (Poisson, "counts", lambda z, o: poisson(z, o, log_input=True, full=False)),
    "full poisson": (Poisson, "counts", lambda z, o: poisson(z, o, log_input=True, full=True)),
    "poisson of rates": (
        Poisson,
        "counts",
        lambda z, o: poisson(z, o, log_input=False, full=True),
    ),
}


@pytest.mark.parametrize("name", CASES)
@many
@given(seeds, shapes, scales, options, st.booleans(), st.booleans())
def test_elementwise(
    name: str,
    seed: int,
    shape: tuple[int, ...],
    scale: float,
    option: float,
    weighted: bool,
    by_position: bool,
) -> None:
    kind, targets_are, reference = CASES[name]
    rng = np.random.default_rng(seed)
    outputs = rng.normal(size=shape) * scale
    if name == "poisson of rates":
        outputs = np.abs(outputs)
    targets = {
        "numbers": rng.normal(size=shape) * scale,
        "counts": rng.integers(0, 5, shape).astype(float),
        "signs": rng.choice([-1.0, 1.0], shape),
    }[targets_are]
    given_options, function = reference(torch.tensor(targets), option)
    average_over = "positions" if by_position else "samples"
    loss = kind(kind.Config(average_over=average_over, **given_options))
    weights = draw_weights(rng, weighted, shape[: 1 + (by_position and len(shape) > 2)])
    compare(loss, function, outputs, targets, weights)
