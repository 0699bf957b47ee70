"""CTC and its gradient against PyTorch, in float64, on random configurations."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.losses.ctc import CTC
from tinynet.layer.context import Context

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle


def draw_labels(rng: np.random.Generator, steps: int, length: int, few: int) -> list[int]:
    """Return up to ``length`` labels below ``few`` that ``steps`` time steps can hold."""
    labels: list[int] = []
    needed = 0
    for label in rng.integers(0, few, rng.integers(0, length + 1)).tolist():
        needed += 1 + (labels[-1:] == [label])
        if needed > steps:
            break
        labels.append(label)
    return labels


@settings(max_examples=300, deadline=None)
@given(
    batch=st.integers(1, 5),
    steps=st.integers(1, 15),
    classes=st.integers(2, 7),
    length=st.integers(1, 8),
    few=st.integers(1, 6),
    scale=st.sampled_from([0.1, 1.0, 10.0, 100.0]),
    weighted=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_values_and_gradients_agree_with_torch(
    batch: int,
    steps: int,
    classes: int,
    length: int,
    few: int,
    scale: float,
    weighted: bool,
    seed: int,
    data: Any,
) -> None:
    """Odd and even lengths, empty targets, and labels that repeat: few of them are drawn from."""
    blank = data.draw(st.integers(0, classes - 1), label="blank")
    rng = np.random.default_rng(seed)
    rows = [draw_labels(rng, steps, length, min(few, classes - 1)) for _ in range(batch)]
    # Numbers from the blank on move up by one, so that none is the blank.
    rows = [[label + (label >= blank) for label in row] for row in rows]
    targets = np.array([row + [-1] * (length - len(row)) for row in rows])
    outputs = rng.normal(size=(batch, steps, classes)) * scale
    weights = rng.uniform(0, 3, batch) if weighted else None

    loss, ctx = CTC(CTC.Config(blank=blank)), Context(training=True)
    assert loss.bad_target((steps, classes), targets) is None
    total, cache = loss.forward(ctx, outputs, targets, weights)
    gradient = loss.backward(ctx, cache)

    logits = torch.tensor(outputs, requires_grad=True)
    losses = torch.nn.functional.ctc_loss(
        logits.log_softmax(dim=2).transpose(0, 1),
        torch.tensor(np.where(targets == -1, blank, targets)),
        torch.full((batch,), steps),
        torch.tensor([len(row) for row in rows]),
        blank=blank,
        reduction="none",
    )
    if weights is not None:
        losses = losses * torch.tensor(weights)
    losses.sum().backward()
    np.testing.assert_allclose(total, losses.sum().item(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(gradient, logits.grad.numpy(), rtol=1e-9, atol=1e-9)
