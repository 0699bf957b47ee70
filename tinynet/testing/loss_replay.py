"""The check of losses that are replayed together with a network."""

from typing import Any

import numpy as np

from tinynet.engine.replay import FIRST_PASSES, Computation, Replay
from tinynet.kernels.memory import Workspace
from tinynet.layer.context import Context
from tinynet.loss import ReplayableLoss
from tinynet.testing.arrays import is_float, owned, require_same_bits
from tinynet.testing.checks import require
from tinynet.testing.loss_case import LossCase
from tinynet.testing.recording_kernels import RecordingKernels
from tinynet.types import Array


def replayed(case: LossCase) -> None:
    """A replayable loss calls the same kernels in every pass, and gives the bits of `forward`."""
    if not isinstance(case.loss, ReplayableLoss):
        return
    loss, workspace = case.loss, Workspace()
    kernels: Any = RecordingKernels()
    (outputs,), targets = case.draw(), case.drawn_targets()
    assert targets is not None
    if loss.replayed_targets(outputs.shape, targets) is None:
        return

    def compute(contexts: list[Context], y: Array, taken: Array) -> tuple[Any, None]:
        return loss.losses_and_gradient(contexts[0], y, taken), None

    replay = Replay(Computation(lambda ctx: [ctx], compute, None, kernels.recording), keep=False)
    for step in range(FIRST_PASSES + 4):
        workspace.reset()
        y, labels = owned(np.roll(outputs, step, 0) * (1 + step)), np.roll(targets, 2 * step, 0)
        ctx = Context(training=True, step=step, kernels=kernels, workspace=workspace)
        taken = loss.replayed_targets(y.shape, labels)
        assert taken is not None
        taken = taken.astype(y.dtype) if is_float(taken) else taken
        (values, gradient), _ = replay.forward(ctx, y, taken)
        found = {"the loss": np.array(np.sum(values, dtype=np.float64)), "the gradient": gradient}
        value, cache = case.forward(ctx, (y,), labels)
        plain = {"the loss": np.array(value), **case.backward(ctx, cache)}
        require_same_bits(plain, found, "when replayed")
    require(
        replay.ready,
        "losses_and_gradient computes something besides calls of ctx.kernels and views",
    )
