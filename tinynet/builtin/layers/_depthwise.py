"""The parts that depthwise and separable convolutions share."""

import math
from typing import Any

from pydantic import Field

from tinynet.layer import Array, Build, InitializerReference, LayerConfig, Shape


class DepthwiseConfig(LayerConfig):
    """The parameters of depthwise convolutions; each gives those of its window their types."""

    kernel_size: Any
    strides: Any
    padding: Any
    dilation_rate: Any
    depth_multiplier: int = Field(default=1, ge=1, description="Number of filters of each channel.")
    use_bias: bool = Field(default=True, description="True to add a learned bias.")
    weight_initializer: InitializerReference = Field(
        default=InitializerReference(type="glorot_uniform"),
        description="Initializer of `weight`.",
    )
    bias_initializer: InitializerReference = Field(
        default=InitializerReference(type="zeros"), description="Initializer of `bias`."
    )


def depthwise_weight(
    name: str,
    size: Shape,
    channels: int,
    multiplier: int,
    initializer: InitializerReference,
    build: Build,
) -> Array:
    """Return the parameter (*size, channels, multiplier): a filter reads one channel."""
    cells = math.prod(size)
    return build.param(
        name, (*size, channels, multiplier), initializer, fan_in=cells, fan_out=cells * multiplier
    )


def depthwise_params(
    config: DepthwiseConfig, size: Shape, channels: int, build: Build
) -> dict[str, Array]:
    """Return ``weight`` (*size, channels, multiplier) and, if there is one, ``bias``."""
    multiplier = config.depth_multiplier
    params = {
        "weight": depthwise_weight(
            "weight", size, channels, multiplier, config.weight_initializer, build
        )
    }
    if config.use_bias:
        params["bias"] = build.param("bias", (channels * multiplier,), config.bias_initializer)
    return params
