"""Pooling, and images and sequences of another size."""

from typing import Any

import numpy as np

from .cases import Case
from .convolutions import one_or_list, padding
from .plan import NotRepresentable, Plan, affine, chain, channels_last


def _options(case: Case) -> dict[str, Any]:
    axes = case.x.ndim - 2
    return {
        "pool_size": one_or_list(case.get("kernel_shape")),
        "strides": one_or_list(case.get("strides", [1] * axes)),
        "padding": padding(case, axes),
        "ceil_mode": bool(case.get("ceil_mode", 0)),
    }


def _refuse_dilation(case: Case) -> None:
    if set(case.get("dilations", [1])) != {1}:
        raise NotRepresentable("dilations, which avg_pool lacks (as in Keras and PyTorch)")


def plan_average_pool(case: Case) -> Plan:
    _refuse_dilation(case)
    layer = {"type": f"avg_pool{case.x.ndim - 2}d", **_options(case)}
    layer["count_include_pad"] = bool(case.get("count_include_pad", 0))
    return chain(channels_last(case.x), [layer], channels_last(case.y))


def plan_max_pool(case: Case) -> Plan:
    axes = case.x.ndim - 2
    layer = {"type": f"max_pool{axes}d", **_options(case)}
    layer["dilation_rate"] = one_or_list(case.get("dilations", [1] * axes))
    return chain(channels_last(case.x), [layer], channels_last(case.y))


def plan_lp_pool(case: Case) -> Plan:
    """Return the root of a mean of powers, times the size of the window: the root of a sum."""
    _refuse_dilation(case)
    x, y, p = channels_last(case.x), channels_last(case.y), case.get("p", 2)
    window = int(np.prod(case.get("kernel_shape")))
    total, params = affine("total", x.ndim - 1, window)
    pool = {"type": f"avg_pool{x.ndim - 2}d", **_options(case), "count_include_pad": True}
    root = {"type": "power", "exponent": 1 / p}
    power = {"type": "power", "exponent": p}
    return chain(x, [{"type": "absolute"}, power, pool, total, root], y, params)


def plan_global(kind: str) -> Any:
    """Return the function that plans a pooling of all positions."""

    def plan(case: Case) -> Plan:
        layer = {"type": f"global_{kind}_pool{case.x.ndim - 2}d", "keepdims": True}
        return chain(channels_last(case.x), [layer], channels_last(case.y))

    return plan


def plan_upsample(case: Case) -> Plan:
    size = [int(factor) for factor in case.input(1)[2:]]
    layer = {"type": "up_sampling2d", "size": size, "interpolation": "nearest"}
    return chain(channels_last(case.x), [layer], channels_last(case.y))


def plan_resize(case: Case) -> Plan:
    """Return `resizing` by factors if the case has scales, else to a size."""
    scales = _scales(case)
    _refuse_coordinates(case, scales)
    kinds = {"cubic": "bicubic", "linear": "bilinear", "nearest": "nearest"}
    layer = {
        "type": "resizing",
        "interpolation": kinds[case.get("mode", "nearest")],
        "align_corners": case.get("coordinate_transformation_mode") == "align_corners",
        "antialias": bool(case.get("antialias", 0)),
    }
    if case.get("mode") == "cubic":
        layer["cubic_coefficient"] = case.get("cubic_coeff_a", -0.75)
    if case.get("mode") == "cubic" or layer["antialias"]:
        layer["exclude_outside"] = bool(case.get("exclude_outside", 0))
    if case.input(2) is not None:
        size: dict[str, Any] = {"factor": scales.tolist()}
    else:
        size = dict(zip(("height", "width"), case.y.shape[2:], strict=True))
    return chain(channels_last(case.x), [{**layer, **size}], channels_last(case.y))


def _scales(case: Case) -> Any:
    """Return the factors of height and width."""
    axes = [axis % case.x.ndim for axis in case.get("axes", range(case.x.ndim))]
    scales = np.ones(case.x.ndim)
    scales[axes] = case.input(2) if case.input(2) is not None else case.input(3)
    if case.input(2) is not None:
        return scales[2:]
    ratios = scales[axes] / np.array(case.x.shape)[axes]
    policy = case.get("keep_aspect_ratio_policy", "stretch")
    if policy != "stretch":
        ratios = np.full_like(ratios, {"not_larger": min, "not_smaller": max}[policy](ratios))
    scales[axes] = ratios
    return scales[2:]


def _refuse_coordinates(case: Case, scales: Any) -> None:
    """Refuse maps of coordinates that `resizing` lacks."""
    mode = case.get("coordinate_transformation_mode", "half_pixel")
    size, out_size = np.array(case.x.shape[2:]), np.array(case.y.shape[2:])
    whole = np.allclose(size * scales, out_size)
    if mode in ("asymmetric", "tf_crop_and_resize"):
        raise NotRepresentable(f"coordinates of the mode {mode}")
    if mode == "pytorch_half_pixel" and (out_size == 1).any():
        raise NotRepresentable("coordinates of an output of one pixel at the input's first one")
    if mode in ("align_corners", "half_pixel_symmetric") and not whole:
        raise NotRepresentable(f"coordinates of the mode {mode} by a size that is not whole")
    if case.get("mode", "nearest") != "nearest":
        return
    if mode == "align_corners" or case.get("nearest_mode", "round_prefer_floor") in (
        "ceil",
        "floor",
    ):
        raise NotRepresentable("coordinates rounded otherwise than to the nearest pixel")
    places = [(np.arange(n) + 0.5) / scale - 0.5 for n, scale in zip(out_size, scales, strict=True)]
    if any(np.isclose(place % 1, 0.5).any() for place in places):
        raise NotRepresentable("coordinates halfway between pixels, which resizing rounds upwards")
