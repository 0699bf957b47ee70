"""Normalizations over a whole sequence whose scales have the same shape in both orders of axes."""

from collections.abc import Iterable

from tinynet.checkpoint.layouts.slots import LayerFacts


def is_over_sequence(layer: LayerFacts) -> bool:
    """Return True for a normalization with a scale for each feature of each step."""
    return len(layer.in_shape) == 2 and layer.in_shape in layer.params.values()


def square_norm_warnings(layers: Iterable[LayerFacts]) -> list[str]:
    """Return a warning for each layer whose order of axes is assumed to be channels first."""
    return [
        f"the order of the axes of {', '.join(layer.params)} of {layer.name} may differ: both axes"
        f" have {layer.in_shape[0]} elements, and are converted from channels first, as after a"
        " convolution; if the model has the channels last there, put"
        ' {"type": "permute", "dims": [1, 2]} before it, which moves nothing'
        for layer in layers
        if layer.type in ("layer_norm", "rms_norm")
        and layer.is_channels_first
        and is_over_sequence(layer)
        and layer.in_shape[0] == layer.in_shape[1]
    ]
