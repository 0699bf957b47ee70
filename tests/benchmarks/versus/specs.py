"""The networks as specs."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Layer = dict[str, Any]


@dataclass(frozen=True)
class Network:
    """Layers as in a spec, and a `residual` layer that adds its `layers` to its input.

    If a residual layer has a `shortcut`, it adds the output of these layers in place of its input.

    Attributes:
        input_shape: Shape of one sample of the input.
        layers: The layers.
        indices: The input and the targets are indices below this number, a target at each
            position of the input; None for an input of numbers and one target for each sample.
    """

    input_shape: tuple[int, ...]
    layers: tuple[Layer, ...]
    indices: int | None = None


def _conv(filters: int, **more: Any) -> list[Layer]:
    return [{"type": "conv2d", "filters": filters, "kernel_size": 3, **more}]


def _dense(units: int) -> list[Layer]:
    return [{"type": "dense", "units": units}]


RELU, FLATTEN = [{"type": "relu"}], [{"type": "flatten"}]
POOL = [{"type": "max_pool2d", "pool_size": 2}]
GLOBAL_POOL = [{"type": "global_avg_pool2d"}]


def _normed(filters: int, strides: int = 1) -> list[Layer]:
    """A padded convolution without bias, since batch norm follows."""
    return [*_conv(filters, strides=strides, padding=1, use_bias=False), {"type": "batch_norm"}]


def _residual(filters: int, strides: int = 1) -> list[Layer]:
    """A block of ResNet-20 (He et al., 2015); with strides, its shortcut is a convolution too."""
    branch = [*_normed(filters, strides), *RELU, *_normed(filters)]
    projection = {"type": "conv2d", "filters": filters, "kernel_size": 1, "strides": strides}
    shortcut = [{**projection, "use_bias": False}, {"type": "batch_norm"}] if strides > 1 else []
    return [{"type": "residual", "layers": branch, "shortcut": shortcut}, *RELU]


def _separable(filters: int, strides: int = 1) -> list[Layer]:
    """A block of MobileNet: a depthwise and a pointwise convolution, each with batch norm."""
    depthwise = {"type": "depthwise_conv2d", "kernel_size": 3, "strides": strides, "padding": 1}
    pointwise = {"type": "conv2d", "filters": filters, "kernel_size": 1}
    return [
        layer
        for convolution in (depthwise, pointwise)
        for layer in ({**convolution, "use_bias": False}, {"type": "batch_norm"}, *RELU)
    ]


def _group_normed(filters: int, size: int = 1) -> list[Layer]:
    conv = {"type": "conv2d", "filters": filters, "kernel_size": size, "padding": "same"}
    return [{**conv, "use_bias": False}, {"type": "group_norm", "groups": 8}]


def _bottleneck(filters: int) -> list[Layer]:
    """A block of ResNet-50, with group norm in place of batch norm."""
    inner = _group_normed(filters // 4) + RELU + _group_normed(filters // 4, size=3) + RELU
    return [{"type": "residual", "layers": [*inner, *_group_normed(filters)]}, *RELU]


def _mlp(*units: int) -> Network:
    *hidden, classes = units
    layers = [layer for width in hidden for layer in _dense(width) + RELU]
    return Network((784,), (*layers, *_dense(classes)))


def _from_file(name: str, input_shape: tuple[int, ...]) -> Network:
    spec = json.loads((Path(__file__).parents[3] / "models" / f"{name}.json").read_text())
    return Network(input_shape, tuple(spec["network"]["layers"]))


def _recurrent(kind: str) -> Network:
    """A recurrent layer over 100 steps, whose last state is classified."""
    return Network((100, 64), ({"type": kind, "units": 128}, *_dense(10)))


def _transformer(width: int, heads: int) -> list[Layer]:
    """A block of GPT-2: attention and two dense layers, each after layer normalization."""
    norm = {"type": "layer_norm"}
    attention = {"type": "multi_head_attention", "num_heads": heads, "causal": True}
    dense = [*_dense(4 * width), {"type": "gelu"}, *_dense(width)]
    return [{"type": "residual", "layers": part} for part in ([norm, attention], [norm, *dense])]


def _gpt(characters: int, length: int, width: int, heads: int, blocks: int) -> Network:
    """A language model of characters, as `models/alice_gpt.json` without shared weights."""
    embedding = {"type": "embedding", "input_dim": characters, "output_dim": width}
    layers = [
        *(embedding, {"type": "position_embedding"}),
        *(blocks * _transformer(width, heads)),
        *({"type": "layer_norm"}, *_dense(characters)),
    ]
    return Network((length,), tuple(layers), characters)


def _causal(filters: int, dilation: int) -> list[Layer]:
    layer = {"type": "conv1d", "filters": filters, "kernel_size": 3, "padding": "causal"}
    return [{**layer, "dilation_rate": dilation}]


def _fcn(length: int, channels: int) -> Network:
    """The convolutional classifier of time series by Wang, Yan and Oates (2017)."""
    layers: list[Layer] = []
    for filters, size in ((128, 8), (256, 5), (128, 3)):
        convolution = {"type": "conv1d", "filters": filters, "kernel_size": size}
        layers += [
            {**convolution, "padding": "causal", "use_bias": False},
            {"type": "batch_norm"},
            *RELU,
        ]
    return Network((length, channels), (*layers, {"type": "global_avg_pool1d"}, *_dense(10)))


def _tcn(length: int, channels: int) -> Network:
    """Causal convolutions that look ever further back, as in `models/series_tcn.json`."""
    layers: list[Layer] = []
    for dilation in (1, 2, 4, 8):
        branch = _causal(channels, dilation) + RELU + _causal(channels, dilation)
        layers += [{"type": "residual", "layers": branch}, *RELU]
    last = {"type": "slice", "axis": 1, "start": -1}
    return Network((length, channels), (*layers, last, *FLATTEN, *_dense(10)))


IMAGES = {
    # The convnet of Keras's MNIST example: 34,826 parameters.
    "convnet": Network(
        (28, 28, 1),
        (
            *(_conv(32) + RELU + POOL + _conv(64) + RELU + POOL + FLATTEN),
            {"type": "dropout", "rate": 0.5},
            *_dense(10),
        ),
    ),
    "small_conv": Network(
        (28, 28, 1),
        tuple(_conv(8) + RELU + POOL + _conv(16) + RELU + POOL + FLATTEN + _dense(10)),
    ),
    "norm_conv": Network(
        (28, 28, 1),
        (
            *(_normed(16) + RELU + POOL + _normed(32) + RELU + POOL + FLATTEN),
            *_dense(10),
        ),
    ),
    "fashion_norm": Network(
        (28, 28, 1),
        (
            *(_normed(32) + RELU + POOL + _normed(64) + RELU + POOL + FLATTEN),
            *(_dense(128) + RELU + _dense(10)),
        ),
    ),
    "cifar_norm": Network(
        (32, 32, 3),
        (
            *(_normed(32) + RELU + _normed(32) + RELU + POOL),
            *(_normed(64) + RELU + _normed(64) + RELU + POOL),
            *(GLOBAL_POOL + _dense(10)),
        ),
    ),
    # ResNet-20 for CIFAR (He et al., 2015), with convolutions as shortcuts between the stages.
    "resnet20": Network(
        (32, 32, 3),
        (
            *(_normed(16) + RELU + 3 * _residual(16)),
            *(_residual(32, strides=2) + 2 * _residual(32)),
            *(_residual(64, strides=2) + 2 * _residual(64)),
            *(GLOBAL_POOL + _dense(10)),
        ),
    ),
    "mlp": _mlp(256, 128, 10),
    "wide_mlp": _mlp(2048, 2048, 10),
    "residual": Network(
        (32, 32, 3),
        (
            *(_normed(64) + RELU + 3 * _residual(64)),
            *(GLOBAL_POOL + _dense(10)),
        ),
    ),
    "separable": Network(
        (32, 32, 3),
        (
            *(_normed(32) + RELU + _separable(64)),
            *(_separable(128, strides=2) + _separable(128)),
            *(_separable(256, strides=2) + _separable(256)),
            *(GLOBAL_POOL + _dense(10)),
        ),
    ),
    "group_norm": Network(
        (32, 32, 3),
        (
            *(_group_normed(64, size=3) + RELU + 2 * _bottleneck(64) + POOL),
            *(_group_normed(128) + RELU + 2 * _bottleneck(128) + POOL),
            *(_group_normed(256) + RELU + 2 * _bottleneck(256)),
            *(GLOBAL_POOL + _dense(10)),
        ),
    ),
    "mnist_cnn": _from_file("mnist_cnn", (28, 28, 1)),
    "digits_mlp": _from_file("digits_mlp", (8, 8, 1)),
}
"""Networks of images, some of them flattened."""

SEQUENCES = {
    "lstm": _recurrent("lstm"),
    "gru": _recurrent("gru"),
    "gpt": _gpt(characters=71, length=128, width=128, heads=4, blocks=4),
    "tcn": _tcn(length=256, channels=64),
    "fcn": _fcn(length=128, channels=9),
}

NETWORKS = IMAGES | SEQUENCES
