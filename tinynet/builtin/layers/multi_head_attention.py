"""Multi-head attention."""

from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from tinynet.builtin.layers._attention_inputs import AttentionInputs
from tinynet.builtin.layers._attention_onnx import attention_onnx
from tinynet.builtin.layers._positions import Rotation
from tinynet.builtin.layers._projections import (
    needs_projection,
    project,
    project_backward,
    project_onnx,
)
from tinynet.layer import (
    Array,
    Build,
    Cache,
    Context,
    Gradients,
    InitializerReference,
    LayerConfig,
    OnnxGraph,
    Shape,
    ShapeError,
)


class _Saved(NamedTuple):
    """The values of one pass for `backward`."""

    x: Array  # (N, T, C)
    source: Array  # (N, S, D)
    heads: Array  # before the output projection, (N, T, H * value_dim)
    saved: Any  # that of the kernel


class _KeysAndValues(NamedTuple):
    """The keys and values of the positions so far, in arrays for all."""

    keys: Array  # (N, length, KV, key_dim)
    values: Array  # (N, length, KV, value_dim)
    mask: Array | None  # (N, length), if there is one


class MultiHeadAttention:
    """Attention of each position of a sequence to others, in several heads.

        head  = softmax(q @ k^T / sqrt(key_dim)) @ v
        y     = concat(heads) @ output_weight + output_bias

    The query q (T, key_dim), the keys k (S, key_dim) and the values v (S, value_dim) of a head are
    affine maps of the inputs. Inputs, in this order:

    - the query, (N, T, C);
    - for cross-attention, the sequence of keys and values, (N, S, D); without it, they are computed
      from the query;
    - perhaps a mask, 0 where a key may not be used: (N, S), or (N, T, S) after keys and values.

    Output (N, T, output_dim). Where a query may use no key, its heads are 0. With fewer
    key-value heads than heads, consecutive heads share one.

    Parameters: ``query_weight`` (C, num_heads * key_dim), ``key_weight`` (D, num_key_value_heads *
    key_dim), ``value_weight`` (D, num_key_value_heads * value_dim), ``output_weight`` (num_heads *
    value_dim, output_dim), and ``query_bias``, ``key_bias``, ``value_bias``, ``output_bias``.

    Sources: Vaswani et al., 2017; shared key-value heads: Ainslie et al., 2023.
    """

    family = "attention"
    example: ClassVar = {"num_heads": 4}
    per_sample = True
    replayable = True
    several_positions = True

    class Config(LayerConfig):
        """Parameters of a `multi_head_attention` node."""

        num_heads: int = Field(ge=1, description="Number of heads.")
        key_dim: int | None = Field(
            default=None,
            ge=1,
            description="Size of a query and a key of one head; null for the channels of the query"
            " divided by num_heads.",
        )
        value_dim: int | None = Field(
            default=None, ge=1, description="Size of a value of one head; null for key_dim."
        )
        num_key_value_heads: int | None = Field(
            default=None,
            ge=1,
            description="Number of heads of keys and values, which divides num_heads; null for"
            " num_heads.",
        )
        output_dim: int | None = Field(
            default=None,
            ge=1,
            description="Channels of the output; null for those of the query.",
        )
        causal: bool = Field(
            default=False,
            description="True if a position uses only keys of the same and earlier positions.",
        )
        dropout: float = Field(
            default=0.0,
            ge=0,
            lt=1,
            description="Probability that an attention weight is dropped in training.",
        )
        use_bias: bool = Field(default=True, description="True to add learned biases.")
        rotary: bool = Field(
            default=False,
            description="True to rotate queries and keys by their positions, as rotary_embedding.",
        )
        rotary_base: float = Field(
            default=10_000.0, gt=1, description="The base of rotary_embedding; used with rotary."
        )
        weight_initializer: InitializerReference = Field(
            default=InitializerReference(type="glorot_uniform"),
            description="Initializer of the four weights.",
        )
        bias_initializer: InitializerReference = Field(
            default=InitializerReference(type="zeros"),
            description="Initializer of the four biases.",
        )

        @model_validator(mode="after")
        def _shared_evenly(self) -> Self:
            if self.num_key_value_heads and self.num_heads % self.num_key_value_heads:
                raise PydanticCustomError(
                    "num_key_value_heads",
                    "num_heads ({heads}) must be a multiple of num_key_value_heads ({groups})",
                    {"heads": self.num_heads, "groups": self.num_key_value_heads},
                )
            return self

        @model_validator(mode="after")
        def _base_of_a_rotation(self) -> Self:
            if (
                not self.rotary
                and self.rotary_base != type(self).model_fields["rotary_base"].default
            ):
                raise PydanticCustomError(
                    "rotary_base",
                    'rotary_base is used only with a rotation: set "rotary" to true, or remove it',
                )
            return self

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        self._inputs = inputs = AttentionInputs.of("multi_head_attention", in_shapes)
        (steps, channels), (length, features) = inputs.query, inputs.source
        heads, groups = config.num_heads, config.num_key_value_heads or config.num_heads
        key_dim = config.key_dim or _divided(channels, heads)
        value_dim = config.value_dim or key_dim
        output_dim = config.output_dim or channels
        shapes = {
            "query": (channels, heads * key_dim),
            "key": (features, groups * key_dim),
            "value": (features, groups * value_dim),
            "output": (heads * value_dim, output_dim),
        }
        self.params: dict[str, Array] = {}
        for name, shape in shapes.items():
            weight, bias = f"{name}_weight", f"{name}_bias"
            self.params[weight] = build.param(weight, shape, config.weight_initializer)
            if config.use_bias:
                self.params[bias] = build.param(bias, shape[1:], config.bias_initializer)
        self.out_shape = (steps, output_dim)
        self._num_heads, self._num_key_value_heads = heads, groups
        self._key_value_shapes = (groups, key_dim), (groups, value_dim)
        self._causal, self._rate = config.causal, config.dropout
        self._scale, self._dtype = key_dim**-0.5, build.dtype
        self._rotation = None
        if config.rotary:
            if key_dim % 2:
                raise ShapeError(
                    f"multi_head_attention with rotary rotates pairs of numbers, but key_dim"
                    f" {key_dim} is odd"
                )
            positions = 0 if build.dry else max(steps, length)
            self._rotation = Rotation(key_dim, config.rotary_base, positions, build.dtype)

    def forward(self, ctx: Context, *inputs: Array) -> tuple[Array, Cache]:
        x, source, mask = inputs[0], inputs[self._inputs.source_input], self._mask(inputs)
        query, key, value = self._project(ctx, x, source)
        if self._rotation:
            query, key = self._rotation(ctx, query), self._rotation(ctx, key)
        uniform = None
        if ctx.training and self._rate:
            # float32 for any dtype of x: the same weights are dropped.
            uniform = ctx.uniform((len(x), query.shape[2], x.shape[1], source.shape[1]))
        heads, saved = ctx.kernels.attention(
            query,
            key,
            value,
            mask,
            self._causal,
            self._scale,
            uniform,
            self._rate,
            ctx.empty,
            ctx.keep,
        )
        heads = heads.reshape(*x.shape[:2], -1)
        y = project(ctx, self.params, "output", heads)
        return y, _Saved(x, source, heads, saved) if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        x, source, heads, saved = cache
        source_input = self._inputs.source_input
        uses = (("query", x, 0), ("key", source, source_input), ("value", source, source_input))
        query, key, value = (
            ctx.needs_input(number) or needs_projection(ctx, self.params, name)
            for name, _, number in uses
        )
        needed = query, key, value
        dheads, grads = project_backward(ctx, self.params, "output", dy, heads, any(needed))
        totals: dict[int, Array] = {}
        if dheads is not None:
            shape = (*heads.shape[:2], self._num_heads, -1)
            gradients = ctx.kernels.attention_backward(
                dheads.reshape(shape), saved, ctx.empty, needed
            )
            for (name, rows, number), gradient in zip(uses, gradients, strict=True):
                if gradient is None:
                    continue
                if self._rotation and name != "value":
                    gradient = self._rotation.backward(ctx, gradient)
                dx, of_params = project_backward(
                    ctx, self.params, name, _flat(gradient), rows, ctx.needs_input(number)
                )
                grads |= of_params
                if dx is not None:
                    total = totals.get(number)
                    totals[number] = dx if total is None else ctx.kernels.add(total, dx, ctx.empty)
        of_inputs = [totals.get(number) for number in range(1 + source_input)]
        if self._inputs.mask is not None:
            shape = (len(x), *self._inputs.mask)
            of_inputs.append(np.zeros(shape, dy.dtype) if ctx.needs_input(len(of_inputs)) else None)
        return tuple(of_inputs), grads

    def start_cache(self, samples: int, length: int) -> Cache:
        if not self._causal or self._inputs.source_input:
            raise ShapeError(
                "multi_head_attention computes one position at a time only if it is causal, and if"
                ' its keys and values are those of its own input: set "causal" to true, and'
                " remove the second sequence from its inputs"
            )
        keys, values = (
            np.zeros((samples, length, *shape), self._dtype) for shape in self._key_value_shapes
        )
        mask = None if self._inputs.mask is None else np.zeros((samples, length), self._dtype)
        return _KeysAndValues(keys, values, mask)

    def forward_next(self, ctx: Context, cache: Cache, position: int, *inputs: Array) -> Array:
        x, mask = inputs[0], self._mask(inputs)
        here, known = slice(position, position + x.shape[1]), slice(position + x.shape[1])
        query, key, value = self._project(ctx, x, x)
        if self._rotation:
            query, key = (self._rotation.at(ctx, rows, position) for rows in (query, key))
        cache.keys[:, here], cache.values[:, here] = key, value
        if mask is not None:
            cache.mask[:, here] = mask
            mask = cache.mask[:, known]
        if x.shape[1] > 1:
            mask = _of_earlier_keys(mask, x, position)
        heads, _ = ctx.kernels.attention(
            query,
            cache.keys[:, known],
            cache.values[:, known],
            mask,
            False,
            self._scale,
            None,
            0.0,
            ctx.empty,
            False,
        )
        return project(ctx, self.params, "output", _flat(heads))

    def to_onnx(self, graph: OnnxGraph, *inputs: str) -> str:
        x, source = inputs[0], inputs[self._inputs.source_input]
        groups = self._num_key_value_heads
        query = self._project_onnx(graph, "query", x, self._num_heads)
        key = self._project_onnx(graph, "key", source, groups)
        value = self._project_onnx(graph, "value", source, groups)
        if self._rotation:
            query = self._rotation.to_onnx(graph, query)
            key = self._rotation.to_onnx(graph, key)
        heads = attention_onnx(
            graph,
            query,
            key,
            value,
            None if self._inputs.mask is None else inputs[-1],
            causal=self._causal,
            scale=self._scale,
        )
        heads = graph.reshape(heads, (self.out_shape[0], -1))
        return project_onnx(graph, self.params, "output", heads)

    def cost(self) -> tuple[int, int]:
        (steps, _), (length, _) = self._inputs.query, self._inputs.source
        rows = {"query": steps, "key": length, "value": length, "output": steps}
        weights = {name: self.params[f"{name}_weight"] for name in rows}
        projected = sum(rows[name] * weight.size for name, weight in weights.items())
        pairs = steps * length
        products = pairs * (weights["query"].shape[1] + weights["output"].shape[0])
        elements = sum(rows[name] * weight.shape[1] for name, weight in weights.items())
        elements += steps * weights["output"].shape[0] + self._num_heads * pairs
        operations = 2 * (projected + products) + 4 * self._num_heads * pairs
        return operations, elements * self._dtype.itemsize

    def _mask(self, inputs: tuple[Array, ...]) -> Array | None:
        return None if self._inputs.mask is None else inputs[-1]

    def _project(self, ctx: Context, x: Array, source: Array) -> list[Array]:
        """Return queries, keys and values by head, (N, T or S, heads, size)."""
        groups = self._num_key_value_heads
        return [
            project(ctx, self.params, name, rows, (heads, -1))
            for name, rows, heads in (
                ("query", x, self._num_heads),
                ("key", source, groups),
                ("value", source, groups),
            )
        ]

    def _project_onnx(self, graph: OnnxGraph, name: str, x: str, heads: int) -> str:
        """Return queries, keys or values by head, (N, T or S, heads, size)."""
        y = project_onnx(graph, self.params, name, x)
        return graph.reshape(y, (graph.shape_of(x)[0], heads, -1))


def _of_earlier_keys(mask: Array | None, x: Array, position: int) -> Array:
    """Return the mask of keys (N, T, S) for queries ``x`` (N, T, C) from some position on.

    ``mask`` is that of all keys so far, (N, S).
    """
    samples, steps, _ = x.shape
    earlier: Array = np.tri(steps, position + steps, position, x.dtype)[np.newaxis]
    return earlier.repeat(samples, axis=0) if mask is None else earlier * mask[:, np.newaxis]


def _flat(heads: Array) -> Array:
    """(N, T, H, D) -> (N, T, H * D)."""
    return heads.reshape(*heads.shape[:2], -1)


def _divided(channels: int, heads: int) -> int:
    """Return the default of key_dim."""
    if channels % heads:
        raise ShapeError(
            f"multi_head_attention cannot divide {channels} channels among {heads} heads: set"
            " key_dim, or num_heads to a divisor"
        )
    return channels // heads
