"""The parameters of PyTorch's modules, each with the change of axes to that of a layer here."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from tinynet.checkpoint.layouts.slots import LayerFacts, ParamSource, Slot
from tinynet.checkpoint.layouts.square_norms import is_over_sequence
from tinynet.checkpoint.layouts.steps import Features, Gates, Reshape, Rows, Step, Transpose
from tinynet.types import Shape

Sources: TypeAlias = dict[str, tuple[ParamSource, ...]]


def torch_slots(layer: LayerFacts) -> list[Slot]:
    """Return the slots of a layer for modules of PyTorch."""
    return [replace(slot, sources=_with_norms(slot.sources)) for slot in _slots(layer)]


def _with_norms(sources: Mapping[str, tuple[ParamSource, ...]]) -> Sources:
    """Add weights with weight normalization, which are computed from their two arrays."""
    norms = {
        name: tuple(
            ParamSource(("weight_g", "weight_v"), source.steps, "norm")
            for source in own
            if source.roles == ("weight",)
        )
        for name, own in sources.items()
    }
    return {name: (*own, *norms[name]) for name, own in sources.items()}


def _slots(layer: LayerFacts) -> list[Slot]:
    if layer.type.startswith("separable"):
        return _separable(layer)
    make = _BY_TYPE.get(layer.type)
    if make is None:
        return [Slot(layer, {name: _one(name) for name in layer.params})]
    sources = {name: one for name, one in make(layer).items() if name in layer.params}
    return [Slot(layer, sources, problem=_problem(layer))]


def _one(role: str, *steps: Step) -> tuple[ParamSource, ...]:
    return (ParamSource((role,), steps),)


def _rows(layer: LayerFacts) -> tuple[Step, ...]:
    return () if layer.rows is None else (Features(0, layer.rows),)


def _last(layer: LayerFacts, shape: Shape) -> tuple[Step, ...]:
    """Return the change of the last axis, of arrays of a shape."""
    has_features = layer.rows is not None and shape[-1:] == (len(layer.rows),)
    return (Features(len(shape) - 1, layer.rows),) if has_features else ()  # type: ignore[arg-type]


def _dense(layer: LayerFacts) -> Sources:
    columns = layer.columns
    of_weight = () if columns is None else (Features(1, columns),)
    of_bias = () if columns is None else (Features(0, columns),)
    return {
        "weight": _one("weight", Transpose((1, 0)), *_rows(layer), *of_weight),
        "bias": _one("bias", *of_bias),
    }


def _bilinear(layer: LayerFacts) -> Sources:
    return {"weight": _one("weight", Transpose((1, 2, 0))), "bias": _one("bias")}


def _conv(layer: LayerFacts) -> Sources:
    """(O, I, *kernel) -> (*kernel, I, O); a transposed one has (I, O, *kernel), and so (O, I)."""
    rank = len(layer.params["weight"])
    steps: tuple[Step, ...] = (Transpose((*range(2, rank), 1, 0)),)
    if layer.type == "conv1d" and layer.rows is not None:
        steps = (*steps, Features(1, layer.rows))
    return {"weight": _one("weight", *steps), "bias": _one("bias")}


def _depthwise(layer: LayerFacts) -> Sources:
    return {"weight": _one("weight", *_depthwise_steps(layer.params["weight"])),
            "bias": _one("bias")}  # fmt: skip


def _depthwise_steps(after: Shape) -> tuple[Step, ...]:
    """(C * M, 1, *kernel) -> (*kernel, C, M)."""
    *kernel, channels, multiplier = after
    rank = len(after)
    return Reshape((channels, multiplier, *kernel)), Transpose((*range(2, rank), 0, 1))


def _separable(layer: LayerFacts) -> list[Slot]:
    """PyTorch has two convolutions instead."""
    depthwise, pointwise = (layer.params[f"{n}_weight"] for n in ("depthwise", "pointwise"))
    mix: Sources = {"pointwise_weight": _one("weight", Reshape(pointwise[::-1]), Transpose((1, 0)))}
    if "bias" in layer.params:
        mix["bias"] = _one("bias")
    first: Sources = {"depthwise_weight": _one("weight", *_depthwise_steps(depthwise))}
    return [Slot(layer, first, "depthwise"), Slot(layer, mix, "pointwise")]


def _norm(layer: LayerFacts) -> Sources:
    rank = max(map(len, layer.params.values()), default=1)
    # Over a whole image, PyTorch's parameters have its shape: channels first.
    shape = max(layer.params.values(), key=len, default=())
    transposed: tuple[Step, ...] = (Transpose((*range(1, rank), 0)),)
    forms = [transposed if rank > 2 else _last(layer, shape)]
    if is_over_sequence(layer):  # The shape tells the order, unless both axes are equally long.
        forms.insert(0 if layer.is_channels_first else 1, transposed)
    roles = {"gamma": ("weight", "gamma"), "beta": ("bias", "beta"),
             "running_mean": ("running_mean",), "running_var": ("running_var",)}  # fmt: skip
    return {
        name: tuple(ParamSource((role,), steps) for role in own for steps in forms)
        for name, own in roles.items()
    }


def _reshaped(layer: LayerFacts) -> Sources:
    """Parameters whose elements PyTorch keeps in another shape: PReLU, positions, factors."""
    steps = {name: (Reshape(shape), *_last(layer, shape)) for name, shape in layer.params.items()}
    roles = {"alpha": ("weight", "value"), "weight": ("weight", "value"),
             "gamma": ("gamma", "weight", "value"), "beta": ("beta", "bias")}  # fmt: skip
    return {
        name: tuple(ParamSource((role,), steps[name]) for role in roles[name])
        for name in layer.params
        if name in roles
    }


def _embedding(layer: LayerFacts) -> Sources:
    return {"weight": _one("weight")}


def _recurrent(layer: LayerFacts) -> Sources:
    gates = {"lstm": Gates("ifco", "ifco"), "gru": Gates("rzh", "zrh")}.get(layer.type)
    reordered = (gates,) if gates is not None and gates.before != gates.after else ()
    join = "stack" if layer.type == "gru" else "sum"
    sources: Sources = {}
    for prefix, suffix in (("", ""), ("backward_", "_reverse")):
        weight = (*reordered, Transpose((1, 0)))
        biases = f"bias_ih{suffix}", f"bias_hh{suffix}"
        sources |= {
            f"{prefix}weight": _one(f"weight_ih{suffix}", *weight, *_rows(layer)),
            f"{prefix}recurrent_weight": _one(f"weight_hh{suffix}", *weight),
            f"{prefix}bias": (ParamSource(biases, reordered, join),),  # type: ignore[arg-type]
        }
    return sources


def _attention(layer: LayerFacts) -> Sources:
    sizes = {name: layer.params[f"{name}_weight"][1] for name in ("query", "key", "value")}
    total, start = sum(sizes.values()), 0
    sources: Sources = {
        "output_weight": _one("out_proj.weight", Transpose((1, 0))),
        "output_bias": _one("out_proj.bias"),
    }
    for name, size in sizes.items():
        rows = Rows(start, size, total)
        own = f"{name[0]}_proj"
        sources[f"{name}_weight"] = (
            ParamSource(("in_proj_weight",), (rows, Transpose((1, 0)), *_rows(layer))),
            ParamSource((f"{own}_weight",), (Transpose((1, 0)), *_rows(layer))),
        )
        sources[f"{name}_bias"] = (
            ParamSource(("in_proj_bias",), (rows,)),
            ParamSource((f"{own}.bias",)),
        )
        start += size
    return sources


def _problem(layer: LayerFacts) -> str:
    if layer.type == "gru" and layer.config.get("reset_after") is False:
        return (
            f"{layer.name} has reset_after false, but PyTorch's GRU applies the reset gate after"
            ' the product: set "reset_after" to true'
        )
    return ""


_BY_TYPE: Mapping[str, Callable[[LayerFacts], Sources]] = {
    "dense": _dense,
    "bilinear": _bilinear,
    "embedding": _embedding,
    "multi_head_attention": _attention,
    **dict.fromkeys(("lstm", "gru", "simple_rnn"), _recurrent),
    **dict.fromkeys(("batch_norm", "group_norm", "instance_norm", "layer_norm", "rms_norm"), _norm),
    **dict.fromkeys(("prelu", "position_embedding", "scale"), _reshaped),
    **{f"conv{n}d{kind}": _conv for n in (1, 2, 3) for kind in ("", "_transpose")},
    **{f"depthwise_conv{n}d": _depthwise for n in (1, 2)},
}
