"""A spec with each loss trains: a few steps on one batch make the loss smaller."""

from typing import Any

import numpy as np
import pytest

import tinynet
from tinynet.errors import SpecError
from tinynet.functional import softmax
from tinynet.types import Array

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 5))
NUMBERS = X @ RNG.normal(size=(5, 2))
COUNTS = RNG.poisson(np.exp(NUMBERS.clip(-2, 2)))
BITS = (NUMBERS > 0).astype(np.int64)
SHARES = softmax(NUMBERS)

DENSE = [{"type": "dense", "units": 2}]
POSITIVE = [*DENSE, "softplus"]
IMAGES = [{"type": "dense", "units": 16}, {"type": "reshape", "target_shape": [4, 4, 1]}]

CASES: dict[str, tuple[list[Any], dict[str, Any], Array | None]] = {
    "binary_focal_cross_entropy": (DENSE, {"alpha": 0.3, "label_smoothing": 0.1}, BITS),
    "categorical_focal_cross_entropy": (DENSE, {"alpha": [1.0, 2.0]}, BITS[:, 0]),
    "categorical_hinge": (DENSE, {}, BITS[:, 0]),
    "cosine_similarity": (DENSE, {}, NUMBERS),
    "dice": (DENSE, {"smooth": 0.5}, BITS),
    "hinge": (DENSE, {}, 2 * BITS - 1),
    "kl_divergence": (DENSE, {}, SHARES),
    "log_cosh": (DENSE, {}, NUMBERS),
    "mape": (DENSE, {"epsilon": 1.0}, NUMBERS),
    "msle": (POSITIVE, {}, COUNTS),
    "poisson": (DENSE, {"full": True}, COUNTS),
    "quantile": (DENSE, {"quantile": 0.8}, NUMBERS),
    "smooth_l1": (DENSE, {"beta": 0.5}, NUMBERS),
    "squared_hinge": (DENSE, {}, BITS),
    "ssim": (IMAGES, {"filter_size": 4, "max_val": 4.0}, X[:, None, :4, None] * np.ones((4, 1, 1))),
    "tversky": (DENSE, {"alpha": 0.3, "beta": 0.7}, BITS),
}
"""The layers, the options and the targets of each loss."""


def train(loss: Any, targets: Array | None, **network: Any) -> list[float]:
    """Return the loss before each of some steps on one batch."""
    spec = {
        "tinynet": 1,
        "name": "losses",
        "network": {"input_shape": [5], **network},
        "training": {
            "steps": 1,
            "batch_size": len(X),
            "loss": loss,
            "optimizer": {"type": "adam", "learning_rate": 0.02},
        },
    }
    trainer = tinynet.Trainer(spec)
    return [trainer.train_step(X.astype(np.float32), targets) for _ in range(15)]


@pytest.mark.parametrize("name", CASES)
def test_a_loss_of_one_output_trains(name: str) -> None:
    layers, options, targets = CASES[name]
    values = train({"type": name, **options}, targets, layers=layers)
    assert np.isfinite(values).all()
    assert values[-1] < values[0] - 0.05 * abs(values[0])


def outputs(*names: str, units: int = 2) -> dict[str, Any]:
    """Return a network of one dense layer for each of several outputs."""
    layers = [{"type": "dense", "units": units, "name": n, "inputs": "input"} for n in names]
    return {"layers": layers, "outputs": list(names)}


def test_gaussian_nll_trains_a_mean_and_a_variance() -> None:
    network = outputs("mean", "raw")
    network["layers"].append({"type": "softplus", "name": "variance", "inputs": "raw"})
    network["outputs"] = ["mean", "variance"]
    values = train({"mean+variance": "gaussian_nll"}, NUMBERS, **network)
    assert values[-1] < 0.95 * values[0]


def test_triplet_trains_three_outputs() -> None:
    network = outputs("anchor", "positive", "negative")
    values = train({"anchor+positive+negative": {"type": "triplet", "margin": 2}}, None, **network)
    assert values[-1] < 0.95 * values[0]


def test_a_triplet_of_two_outputs_is_refused() -> None:
    network = outputs("anchor", "positive")
    with pytest.raises(SpecError, match="triplet is a loss of 3 outputs, joined by"):
        train({"anchor+positive": "triplet"}, None, **network)
