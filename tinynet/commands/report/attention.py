"""The attention weights of a sample."""

from typing import Any

import numpy as np

from tinynet.commands.report.charts import Heatmap
from tinynet.commands.report.names import visible
from tinynet.commands.report.regression import rounded
from tinynet.dataset import Batch, Field
from tinynet.engine.inputs import validate_inputs
from tinynet.engine.node import Node
from tinynet.engine.numeric_context import in_numeric_context
from tinynet.engine.program import Program
from tinynet.engine.shard_pass import RandomKey, ShardPass
from tinynet.kernels.numpy import NumpyKernels
from tinynet.network.network import Network
from tinynet.prediction.model import Model
from tinynet.types import Array

MAX_HEADS = 4
"""Heads that are shown."""

MAX_POSITIONS = 32
"""Positions of a sequence that are shown."""


class RecordingKernels(NumpyKernels):
    """Kernels that keep the weights of the first call of `attention`.

    Attributes:
        weights: The weight of each key for each query, (heads, T, S), of the first sample.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weights: Array | None = None

    def attention(self, query: Array, key: Array, *arguments: Any) -> Any:
        """See `Kernels.attention`."""
        if self.weights is None:
            _, mask, causal, scale = arguments[:4]
            self.weights = attention_weights(query[0], key[0], mask, causal, scale)
        return super().attention(query, key, *arguments)


def attention_weights(
    query: Array, key: Array, mask: Array | None, causal: bool, scale: float
) -> Array:
    """Return the attention weights of one sample, (heads, T, S).

    Args:
        query: The queries, (T, heads, D).
        key: The keys, (S, groups, D); neighboring heads share a group.
        mask: 0 where a key is not used, (N, S) or (N, T, S), of which the first is taken; or None.
        causal: True if a query uses only keys of the same and earlier positions.
        scale: The factor of the products.
    """
    keys = key.repeat(query.shape[1] // key.shape[1], axis=1)
    scores = np.einsum("thd,shd->hts", query, keys).astype(np.float64) * scale
    used = np.ones(scores.shape[1:], bool)
    if mask is not None:
        used = used & (mask[0] != 0)
    if causal:
        used = np.tril(used)
    scores = np.where(used, scores, -np.inf)
    largest = scores.max(axis=-1, keepdims=True)
    powers = np.exp(scores - np.where(np.isfinite(largest), largest, 0))
    total = powers.sum(axis=-1, keepdims=True)
    weights: Array = powers / np.where(total > 0, total, 1)
    return weights


def attention_maps(model: Model, sample: Batch, raw: Batch) -> tuple[tuple[Heatmap, ...], str]:
    """Return the weights of the first attention layer that computes any, and the layer in words.

    Args:
        model: The model.
        sample: One preprocessed sample.
        raw: The same sample before preprocessing.
    """
    network, kernels = model.network, RecordingKernels()
    name = in_numeric_context(kernels, 1, _first_layer, network, sample, kernels)
    if kernels.weights is None:
        return (), ""
    heads, steps, length = kernels.weights.shape
    rows, columns = (_labels(model, sample, raw, size) for size in (steps, length))
    maps = tuple(
        Heatmap(
            f"Head {head + 1}",
            rows[:MAX_POSITIONS],
            columns[:MAX_POSITIONS],
            tuple(
                tuple(rounded(row).tolist())
                for row in kernels.weights[head, :MAX_POSITIONS, :MAX_POSITIONS].round(4)
            ),
            "query",
            "key",
        )
        for head in range(min(heads, MAX_HEADS))
    )
    shown = [f"node {name}, the first sample of the split"]
    if heads > MAX_HEADS:
        shown.append(f"{MAX_HEADS} of {heads} heads")
    if max(steps, length) > MAX_POSITIONS:
        shown.append(f"the first {MAX_POSITIONS} positions")
    return maps, ", ".join(shown)


def _first_layer(network: Network, sample: Batch, kernels: RecordingKernels) -> str:
    """Run a sample forward, and return the name of the node whose weights were recorded."""
    program = Program.of(
        tuple(network.nodes.values()),
        dict(network.outputs),
        (),
        network.input_shapes,
        network.dtype,
        kernels,
    )
    names: list[str] = []

    def observe(node: Node, output: Array) -> None:
        if kernels.weights is not None and not names:
            names.append(node.name)

    inputs = validate_inputs(sample.inputs, network.input_shapes)
    ShardPass(program, inputs, training=False, key=RandomKey(), observe=observe).forward()
    return names[0] if names else ""


def _labels(model: Model, sample: Batch, raw: Batch, length: int) -> tuple[str, ...]:
    """Return the labels of some positions: the tokens of the input, or numbers."""
    for name, array in sample.inputs.items():
        field = model.preprocessing.fields[name]
        if array.shape[1:] == (length,) and array.dtype.kind in "iu":
            return tuple(_token(int(v), field, r) for v, r in _pairs(array[0], raw.inputs[name]))
    return tuple(map(str, range(1, length + 1)))


def _pairs(values: Array, raw: Array) -> list[tuple[int, Any]]:
    originals = raw[0].tolist() if raw.shape[1:] == values.shape else [None] * len(values)
    return list(zip(values.tolist(), originals, strict=True))


def _token(index: int, field: Field, original: Any) -> str:
    if field.classes is not None and 0 <= index < len(field.classes):
        return visible(field.classes[index])
    return str(index if original is None else original)
