"""Affine maps of a layer that has several: parameters ``query_weight``, ``query_bias``, ..."""

from tinynet.builtin.layers._affine import computed
from tinynet.builtin.layers._onnx import projected
from tinynet.layer import Array, Context, OnnxGraph, Shape


def project(
    ctx: Context, params: dict[str, Array], name: str, x: Array, axes: Shape = (-1,)
) -> Array:
    """Return x @ weight + bias of the projection ``name``: (N, ..., I) -> (N, ..., *axes)."""
    weight, bias = params[f"{name}_weight"], params.get(f"{name}_bias")
    y = ctx.kernels.dense(x.reshape(-1, x.shape[-1]), weight, bias, ctx.empty)
    return y.reshape(*x.shape[:-1], *axes)


def project_onnx(graph: OnnxGraph, params: dict[str, Array], name: str, x: str) -> str:
    """Add the operators of `project`: (N, ..., I) -> (N, ..., U)."""
    bias = graph.param(f"{name}_bias") if f"{name}_bias" in params else None
    return projected(graph, x, graph.param(f"{name}_weight"), bias)


def needs_projection(ctx: Context, params: dict[str, Array], name: str) -> bool:
    """Return True if the gradient of a parameter of the projection is needed."""
    return any(_needs(ctx, params, name))


def project_backward(
    ctx: Context, params: dict[str, Array], name: str, dy: Array, x: Array, needs_x: bool
) -> tuple[Array | None, dict[str, Array]]:
    """Return the gradient of ``x``, or None if it is not needed, and those of the parameters."""
    dx, dweight, dbias = ctx.kernels.dense_backward(
        dy.reshape(-1, dy.shape[-1]),
        x.reshape(-1, x.shape[-1]),
        params[f"{name}_weight"],
        ctx.empty,
        (needs_x, *_needs(ctx, params, name)),
    )
    grads = computed(**{f"{name}_weight": dweight, f"{name}_bias": dbias})
    return None if dx is None else dx.reshape(x.shape), grads


def _needs(ctx: Context, params: dict[str, Array], name: str) -> tuple[bool, bool]:
    weight, bias = f"{name}_weight", f"{name}_bias"
    return ctx.needs_param(weight), bias in params and ctx.needs_param(bias)
