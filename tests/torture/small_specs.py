"""Specs that train in a moment and together use every kind of state that a run saves."""

import random
from pathlib import Path
from typing import Any

DIGITS = {
    "type": "digits",
    "split": {"validation": 90, "test": 1507, "stratify": True},
    "transforms": [{"type": "scale", "factor": 0.0625}],
}
"""A split with 200 images for training."""

TABLE = "table.csv"

BATCH_NORM_AND_EARLY_STOPPING = {
    "data": DIGITS,
    "network": {
        "layers": [
            {"type": "conv2d", "filters": 4, "kernel_size": 3, "strides": 2},
            "batch_norm",
            "relu",
            {"type": "dropout", "rate": 0.3},
            "flatten",
            {"type": "dense", "units": 10},
        ]
    },
    "training": {
        "epochs": 12,
        "batch_size": 16,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "adam", "learning_rate": 0.02},
        "schedule": {"type": "cosine", "warmup_steps": 9},
        "metrics": ["accuracy", {"type": "f1", "average": "macro"}],
        "class_weights": "balanced",
        "early_stopping": {"metric": "val/accuracy", "patience": 1, "min_delta": 0.02},
        "checkpoint": {"every_steps": 5, "keep_last": 2, "keep_best": {"metric": "val/accuracy"}},
    },
}

ACCUMULATION = {
    "data": DIGITS,
    "network": {
        "layers": [
            "flatten",
            {"type": "dense", "units": 24},
            "layer_norm",
            "gelu",
            {"type": "dropout", "rate": 0.2},
            {"type": "dense", "units": 10},
        ]
    },
    "training": {
        "epochs": 5,
        "batch_size": 12,
        "accumulate": 3,
        "loss": {"type": "softmax_cross_entropy", "label_smoothing": 0.1},
        "optimizer": {"type": "sgd", "learning_rate": 0.1, "momentum": 0.9, "nesterov": True},
        "schedule": {"type": "step", "step_size": 11, "gamma": 0.5},
        "metrics": ["accuracy", {"type": "top_k_accuracy", "k": 3}],
        "log_every_steps": 1,
        "checkpoint": {"every_steps": 1, "keep_last": 2, "keep_best": {"metric": "val/loss"}},
    },
}

RESIDUAL = {
    "data": DIGITS,
    "network": {
        "layers": [
            {"type": "conv2d", "filters": 4, "kernel_size": 3, "padding": "same", "name": "stem"},
            "batch_norm",
            "relu",
            {"type": "conv2d", "filters": 4, "kernel_size": 3, "padding": "same", "name": "inner"},
            {"type": "add", "inputs": ["stem", "inner"]},
            {"type": "dropout", "rate": 0.2},
            "global_avg_pool2d",
            {"type": "dense", "units": 10},
        ]
    },
    "training": {
        "epochs": 3,
        "batch_size": 16,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "rmsprop", "learning_rate": 0.01},
        "metrics": ["accuracy", "recall"],
        "log_every_steps": 3,
        "checkpoint": {"every_seconds": 0.01, "keep_best": {"metric": "val/loss"}},
    },
}

EMBEDDING = {
    "data": {
        "type": "csv",
        "path": TABLE,
        "features": ["a", "b", "c"],
        "target": "kind",
        "split": {"validation": 30, "test": 0},
    },
    "network": {
        "layers": [
            {"type": "embedding", "input_dim": 7, "output_dim": 4},
            "flatten",
            {"type": "dropout", "rate": 0.2},
            {"type": "dense", "units": 3},
        ]
    },
    "training": {
        "steps": 47,
        "batch_size": 20,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "adamw", "learning_rate": 0.05, "clip_norm": 1.0},
        "schedule": {"type": "exponential", "decay_rate": 0.8, "decay_steps": 10},
        "metrics": ["accuracy", "precision"],
        "log_every_steps": 4,
        "checkpoint": {"every_epochs": 2, "keep_best": {"metric": "val/accuracy"}},
    },
}

REGRESSION = {
    "data": {
        "type": "csv",
        "path": TABLE,
        "features": ["a", "b", "c"],
        "target": "size",
        "split": {"validation": 30, "test": 0},
        "transforms": ["standardize"],
    },
    "network": {"layers": [{"type": "dense", "units": 8}, "tanh", {"type": "dense", "units": 1}]},
    "training": {
        "epochs": 6,
        "batch_size": 16,
        "loss": "huber",
        "optimizer": {"type": "sgd", "learning_rate": 0.05, "momentum": 0.9},
        "metrics": ["mae", "r2"],
        "early_stopping": {"metric": "val/loss", "patience": 3},
        "checkpoint": {"keep_best": {"metric": "val/r2"}},
    },
}

SPECS: dict[str, dict[str, Any]] = {
    "batch_norm": BATCH_NORM_AND_EARLY_STOPPING,
    "accumulation": ACCUMULATION,
    "residual": RESIDUAL,
    "embedding": EMBEDDING,
    "regression": REGRESSION,
}


def complete(name: str) -> dict[str, Any]:
    """Return a complete spec for a name of `SPECS`."""
    spec = SPECS[name]
    return {"tinynet": 1, "name": name, **spec, "training": {"seed": 11, **spec["training"]}}


def write_table(folder: Path) -> None:
    """Write the table of two of the specs: three small integers, and targets computed from them."""
    draw = random.Random(0)
    lines = ["a,b,c,kind,size"]
    for _ in range(200):
        a, b, c = (draw.randrange(7) for _ in range(3))
        lines.append(f"{a},{b},{c},{'xyz'[(a + b) % 3]},{a - b + 0.5 * c + draw.gauss(0, 0.1):.6f}")
    (folder / TABLE).write_text("\n".join(lines) + "\n")
