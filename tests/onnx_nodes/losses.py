"""Losses, on the scores of classes."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinynet import Network
from tinynet.layer.context import Context

from .cases import Case
from .plan import NotRepresentable, Plan, Result, chain, channels_last


@dataclass(frozen=True)
class LossPlan:
    """A cross-entropy of a case.

    Attributes:
        logits: The scores, (R, classes), of R positions.
        labels: The class of each position, (R,).
        weights: The weight of each position, (R,), or None.
        ignore_label: The label that does not count, or None.
        reduction: ``"none"``, ``"sum"``, or ``"mean"``: that of all weights that count.
        expected: The expected loss.
        further: The plan of the second output, or None.
    """

    logits: Any
    labels: Any
    weights: Any
    ignore_label: int | None
    reduction: str
    expected: Any
    further: Plan | None

    def results(self, dtype: str) -> list[Result]:
        """Return the loss, and the second output if there is one."""
        options = {"ignore_label": self.ignore_label, "average_over": "positions"}
        network = Network(
            {"input_shape": self.logits.shape[1:], "layers": ["identity"], "dtype": dtype},
            loss={"type": "softmax_cross_entropy", **options},
        )
        loss, context = network.losses[0].loss, Context(keep=False)
        assert loss is not None

        def total(rows: slice) -> float:
            weights = None if self.weights is None else self.weights[rows]
            return loss.forward(context, self.logits[rows], self.labels[rows], weights)[0]

        value: Any
        if self.reduction == "none":
            value = np.array([total(slice(row, row + 1)) for row in range(len(self.labels))])
            value = value.reshape(self.expected.shape)
        else:
            value = np.array(total(slice(None)))
        if self.reduction == "mean":
            value = value / self._divisor(loss)
        further = [] if self.further is None else self.further.results(dtype)
        return [Result("loss", value, self.expected), *further]

    def _divisor(self, loss: Any) -> float:
        if self.weights is None:
            return loss.count(self.labels, None)
        counted = self.labels != self.ignore_label
        return float(self.weights[counted].sum())


def plan_softmax_cross_entropy(case: Case) -> LossPlan:
    scores, labels, weights = case.x, case.input(1), case.input(2)
    logits = channels_last(scores)
    labels = labels.reshape(-1)
    ignored = case.get("ignore_index")
    if weights is not None:
        weights = weights[np.where(labels == ignored, 0, labels)]
    further = None
    if case.output(1) is not None:
        layer = {"type": "log_softmax"}
        further = chain(logits, [layer], channels_last(case.output(1)))
    return LossPlan(
        logits=logits.reshape(-1, logits.shape[-1]),
        labels=labels,
        weights=weights,
        ignore_label=ignored,
        reduction=case.get("reduction", "mean"),
        expected=case.y,
        further=further,
    )


def plan_negative_log_likelihood(case: Case) -> Plan:
    total = np.exp(case.x).sum(axis=1)
    assert not np.allclose(total, 1, rtol=0.1), "softmax_cross_entropy could compute this"
    raise NotRepresentable("scores that are no logarithms of probabilities; losses normalize them")
