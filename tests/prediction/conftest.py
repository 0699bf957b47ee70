"""Small networks that were trained on text."""

from itertools import count
from typing import ClassVar

import numpy as np
import pytest

import tinynet
from tinynet.layer import LayerConfig

LINES = (
    "The moon rose over the quiet hills,\nand nobody saw it: no, not one!\nTrès bien.\n"
    "A fox jumped over zebras.\n"
)
STEPS = 12
VOCABULARY = {"type": "vocabulary", "on": ["input", "target"]}
UNITS = 1 + len(set(LINES))

EMBEDDING = {"type": "embedding", "input_dim": UNITS, "output_dim": 8}
DENSE = {"type": "dense", "units": UNITS}
BIGRAM = [EMBEDDING, DENSE]
ATTENTION = [
    EMBEDDING,
    {"type": "position_embedding"},
    {"type": "layer_norm"},
    {"type": "multi_head_attention", "num_heads": 2, "causal": True},
    {"type": "add", "inputs": ["position_embedding_1", "multi_head_attention_1"]},
    {"type": "dense", "units": 16},
    {"type": "gelu"},
    {"type": "dropout", "rate": 0.1},
    DENSE,
]
"""Layers that treat each position alike, and layers with the ability to go on from a cache."""


class Previous:
    """A causal layer without any ability: y[t] = x[t] + x[t - 1] / 2.  (N, T, C) -> (N, T, C)."""

    per_sample = True
    offset = 1

    class Config(LayerConfig):
        pass

    def __init__(self, config, in_shapes, build):
        (self.out_shape,) = in_shapes
        self.params = {}

    def forward(self, ctx, x):
        return x + 0.5 * self.shifted(x, self.offset), None

    def backward(self, ctx, cache, dy):
        return (dy + 0.5 * self.shifted(dy, -self.offset),), {}

    def shifted(self, x, offset):
        y = np.zeros_like(x)
        if offset > 0:
            y[:, offset:] = x[:, :-offset]
        else:
            y[:, :offset] = x[:, -offset:]
        return y


class Following(Previous):
    """A layer that reads the position after each: y[t] = x[t] + x[t + 1] / 2."""

    offset = -1


class Recurrent(Previous):
    """The same as `Previous`, one position at a time, for sequences of any length."""

    any_length = True

    def start_cache(self, samples, length):
        return {"x": None}

    def forward_next(self, ctx, cache, position, x):
        before, cache["x"] = cache["x"], np.array(x)
        return x if before is None else x + 0.5 * before


class Forgetful(Recurrent):
    """A faulty `forward_next`: it has no memory."""

    def forward_next(self, ctx, cache, position, x):
        return np.array(x)


class Chunked(Recurrent):
    """The same as `Recurrent`, several positions at a time; `calls` holds the numbers of them."""

    several_positions = True
    calls: ClassVar[list[int]] = []

    def start_cache(self, samples, length):
        return {"x": np.zeros((samples, 1, self.out_shape[1]), np.float32)}

    def forward_next(self, ctx, cache, position, x):
        self.calls.append(x.shape[1])
        before = np.concatenate([cache["x"], x[:, :-1]], axis=1)
        cache["x"] = np.array(x[:, -1:])
        return x + 0.5 * before


class Scattered(Chunked):
    """A faulty `forward_next`: among several positions, each forgets the one before it."""

    def forward_next(self, ctx, cache, position, x):
        y = super().forward_next(ctx, cache, position, x)
        return y if x.shape[1] == 1 else np.array(x)


@pytest.fixture
def text_model(tmp_path, register):
    """Train some layers on a text; the loaded model."""
    for cls in (Previous, Following, Recurrent, Forgetful, Chunked, Scattered):
        register("layers", cls.__name__.lower(), cls)

    numbers = count(1)

    def train(
        layers,
        transforms=(VOCABULARY,),
        text=LINES * 8,
        steps=40,
        length=STEPS,
        loss="softmax_cross_entropy",
        outputs=None,
        **data,
    ):
        (tmp_path / "text.txt").write_text(text, encoding="utf-8")
        spec = {
            "tinynet": 1,
            "name": "text",
            "data": {
                "type": "text",
                "path": "text.txt",
                "length": length,
                "split": {"validation": 0, "test": 0},
                "transforms": list(transforms),
                **data,
            },
            "network": {"layers": layers, **({"outputs": outputs} if outputs else {})},
            "training": {
                "steps": steps,
                "batch_size": 8,
                "seed": 3,
                "loss": loss,
                "optimizer": {"type": "adam", "learning_rate": 0.01},
            },
        }
        run = tinynet.train(spec, tmp_path / f"run-{next(numbers)}", data_root=tmp_path)
        return tinynet.load_model(run.path)

    return train
