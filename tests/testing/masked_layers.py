"""Correct layers with a mask, for the tests of the conformance kit."""

from typing import Any, ClassVar

import numpy as np

from tinynet.layer import Array, Build, Cache, Context, Gradients, LayerConfig, Shape

from .faults import WITH_MASK


class MaskedMean:
    """The mean over the time steps that count, (N, T, C) -> (N, C), with an optional mask."""

    arguments: ClassVar[dict[str, Any]] = WITH_MASK
    per_sample = True

    class Config(LayerConfig):
        pass

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        self.out_shape = in_shapes[0][1:]
        self.params: dict[str, Array] = {}

    def shares(self, x: Array, mask: Array) -> Array:
        """Return the weight of each step, (N, T)."""
        return mask / np.maximum(mask.sum(axis=1, keepdims=True), 1)

    def forward(self, ctx: Context, x: Array, mask: Array | None = None) -> tuple[Array, Cache]:
        shares = self.shares(x, np.ones(x.shape[:2], x.dtype) if mask is None else mask)
        return np.einsum("ntc,nt->nc", x, shares), (shares, x, mask)

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        shares, _, mask = cache
        dx = dy[:, np.newaxis] * shares[..., np.newaxis]
        return ((dx,) if mask is None else (dx, None)), {}


class Centered:
    """Subtracts the mean of the steps that count from these steps, and clears the others."""

    arguments: ClassVar[dict[str, Any]] = WITH_MASK
    per_sample = True

    class Config(LayerConfig):
        pass

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        self.out_shape, _ = in_shapes
        self.params: dict[str, Array] = {}

    def forward(self, ctx: Context, x: Array, mask: Array) -> tuple[Array, Cache]:
        mask = mask[..., np.newaxis]
        return self.centered(x, mask), mask

    def centered(self, x: Array, mask: Array) -> Array:
        count = np.maximum(mask.sum(axis=1, keepdims=True), 1)
        return mask * (x - (mask * x).sum(axis=1, keepdims=True) / count)

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        # The map is linear and symmetric.
        return (self.centered(dy, cache), np.zeros(cache.shape[:2], dy.dtype)), {}


class Recurrent:
    """h = tanh(x + gain * previous h), with the outputs ``sequence`` and the last ``state``.

    Masked steps keep the state.
    """

    arguments: ClassVar[dict[str, Any]] = WITH_MASK
    per_sample = True

    class Config(LayerConfig):
        pass

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        self.out_shape = in_shapes[0]
        self.out_shapes = {"sequence": self.out_shape, "state": self.out_shape[1:]}
        self.params = {"gain": build.param("gain", self.out_shape[1:], "ones")}

    def forward(self, ctx: Context, x: Array, mask: Array) -> tuple[tuple[Array, ...], Cache]:
        states = [np.zeros_like(x[:, 0])]
        for t, keep in enumerate(np.moveaxis(mask[..., np.newaxis], 1, 0)):
            h = np.tanh(x[:, t] + self.params["gain"] * states[-1])
            states.append(self.next_state(h, states[-1], keep))
        sequence = np.stack(states[1:], axis=1)
        return (sequence, states[-1].copy()), (np.stack(states), mask)

    def next_state(self, h: Array, previous: Array, keep: Array) -> Array:
        return np.where(keep != 0, h, previous)

    def backward(self, ctx: Context, cache: Cache, dy: tuple[Array | None, ...]) -> Gradients:
        (states, mask), (sequence, state) = cache, dy
        gain = self.params["gain"]
        dx = np.zeros_like(np.moveaxis(states[1:], 0, 1))
        dgain = np.zeros_like(gain)
        dh = np.zeros_like(states[0]) if state is None else state
        for t in reversed(range(dx.shape[1])):
            keep = mask[:, t, np.newaxis]
            dh = dh if sequence is None else dh + sequence[:, t]
            da = dx[:, t] = keep * dh * (1 - states[t + 1] ** 2)
            dgain += (da * states[t]).sum(axis=0)
            dh = (1 - keep) * dh + gain * da
        return (dx, None), {"gain": dgain}


class Backwards(Recurrent):
    """The same from the last step to the first, which the output has in that order."""

    def forward(self, ctx: Context, x: Array, mask: Array) -> tuple[tuple[Array, ...], Cache]:
        return super().forward(ctx, x[:, ::-1], mask[:, ::-1])

    def backward(self, ctx: Context, cache: Cache, dy: tuple[Array | None, ...]) -> Gradients:
        (dx, _), grads = super().backward(ctx, cache, dy)
        return (dx[:, ::-1], None), grads


class Attention:
    """Attention of a query (N, Q, C) to a sequence (N, T, C) with a mask (N, T)."""

    arguments: ClassVar[dict[str, Any]] = {"in_shapes": [(4, 2), (6, 2), (6,)], "mask": {2: 1}}
    per_sample = True

    class Config(LayerConfig):
        pass

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        self.out_shape, *_ = in_shapes
        self.params: dict[str, Array] = {}

    def hidden(self, scores: Array, mask: Array) -> Array:
        """Return the scores with those of masked steps so low that their share is 0."""
        return np.where(mask[:, np.newaxis] != 0, scores, -np.inf)

    def forward(self, ctx: Context, q: Array, x: Array, mask: Array) -> tuple[Array, Cache]:
        scores = self.hidden(q @ x.mT, mask)
        highest = scores.max(axis=-1, keepdims=True)
        shares = np.exp(scores - np.where(np.isfinite(highest), highest, 0))
        shares /= np.maximum(shares.sum(axis=-1, keepdims=True), np.finfo(x.dtype).tiny)
        return shares @ x, (q, x, shares, mask)

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        q, x, shares, mask = cache
        dshares = dy @ x.mT
        dscores = shares * (dshares - (shares * dshares).sum(axis=-1, keepdims=True))
        dscores *= mask[:, np.newaxis]
        return (dscores @ x, shares.mT @ dy + dscores.mT @ q, None), {}


class MaskedCenter:
    """Subtracts the mean of the batch's steps that count, in evaluation a running one."""

    arguments: ClassVar[dict[str, Any]] = WITH_MASK

    class Config(LayerConfig):
        pass

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        self.out_shape = in_shapes[0]
        self.params: dict[str, Array] = {}
        self.buffers = {"mean": build.buffer("mean", self.out_shape[-1:], "zeros")}

    def shares(self, mask: Array) -> Array:
        """Return the weight of each step in the mean, (N, T, 1)."""
        weights = mask[..., np.newaxis]
        return weights / np.maximum(weights.sum(), 1)

    def forward(self, ctx: Context, x: Array, mask: Array) -> tuple[Array, Cache]:
        shares = self.shares(mask)
        mean = (x * shares).sum(axis=(0, 1)) if ctx.training else self.buffers["mean"]
        return x - mean, (mean, shares)

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        dx = dy - cache[1] * dy.sum(axis=(0, 1)) if ctx.training else dy
        return (dx, None), {}

    def commit(self, cache: Cache) -> None:
        self.buffers["mean"] *= 0.5
        self.buffers["mean"] += 0.5 * cache[0]


class SelfAttention(Attention):
    """Attention of a sequence to itself; where all steps are masked, to all of them alike."""

    arguments: ClassVar[dict[str, Any]] = WITH_MASK

    def hidden(self, scores: Array, mask: Array) -> Array:
        return np.where(mask[:, np.newaxis] != 0, scores, -1e9)

    def forward(self, ctx: Context, x: Array, mask: Array) -> tuple[Array, Cache]:  # type: ignore[override]
        return super().forward(ctx, x, x, mask)

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        (dq, dx, _), grads = super().backward(ctx, cache, dy)
        return (dq + dx, None), grads
