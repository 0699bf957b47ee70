"""The workloads: networks as specs, the cases that run them, and the goals."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Layer = dict[str, Any]
Action = Literal["train", "infer"]

NUMPY, NATIVE = "tinynet numpy", "tinynet native"
TORCH, CHANNELS_LAST, COMPILED = "torch", "torch channels_last", "torch.compile"
JAX, ONNX, SKLEARN = "jax", "onnxruntime", "scikit-learn"
PRODUCTS = "matrix products"

OURS = (NUMPY, NATIVE)
FRAMEWORKS = (TORCH, CHANNELS_LAST, COMPILED, JAX)
"""The goals of training compare with the fastest of these."""


@dataclass(frozen=True)
class Network:
    """Layers as in a spec, and a `residual` layer that adds its `layers` to its input."""

    input_shape: tuple[int, ...]
    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class Case:
    """One action of one network, with batches of one size.

    Attributes:
        network: One of `NETWORKS`.
        action: A training step (forward, backward, Adam), or inference.
        batch: Number of samples.
        limits: Largest ratio of tinynet's time to that of the fastest peer, by side.
        allowances: Seconds that tinynet may take more than the fastest peer, by side.
    """

    network: str
    action: Action
    batch: int
    limits: dict[str, float]
    allowances: dict[str, float]

    @property
    def title(self) -> str:
        action = "training step" if self.action == "train" else "inference"
        return f"{self.network}, {action}, batch {self.batch}"

    @property
    def peers(self) -> tuple[str, ...]:
        """The peers that the goals compare with."""
        return FRAMEWORKS if self.action == "train" else (ONNX,)


def _conv(filters: int, **more: Any) -> list[Layer]:
    return [{"type": "conv2d", "filters": filters, "kernel_size": 3, **more}]


def _dense(units: int) -> list[Layer]:
    return [{"type": "dense", "units": units}]


RELU, FLATTEN = [{"type": "relu"}], [{"type": "flatten"}]
POOL = [{"type": "max_pool2d", "pool_size": 2}]


def _normed(filters: int) -> list[Layer]:
    """A convolution that keeps the size and has no bias, since batch norm follows."""
    return [*_conv(filters, padding="same", use_bias=False), {"type": "batch_norm"}]


def _residual(filters: int) -> list[Layer]:
    branch = [*_normed(filters), *RELU, *_normed(filters)]
    return [{"type": "residual", "layers": branch}, *RELU]


def _mlp(*units: int) -> Network:
    *hidden, classes = units
    layers = [layer for width in hidden for layer in _dense(width) + RELU]
    return Network((784,), (*layers, *_dense(classes)))


def _from_file(name: str, input_shape: tuple[int, ...]) -> Network:
    spec = json.loads((Path(__file__).parents[3] / "models" / f"{name}.json").read_text())
    return Network(input_shape, tuple(spec["network"]["layers"]))


NETWORKS = {
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
    "mlp": _mlp(256, 128, 10),
    "wide_mlp": _mlp(2048, 2048, 10),
    "residual": Network(
        (32, 32, 3),
        (
            *(_normed(64) + RELU + 3 * _residual(64)),
            {"type": "global_avg_pool2d"},
            *_dense(10),
        ),
    ),
    "mnist_cnn": _from_file("mnist_cnn", (28, 28, 1)),
    "digits_mlp": _from_file("digits_mlp", (8, 8, 1)),
}


def _case(
    network: str,
    action: Action,
    batch: int,
    limits: tuple[float, ...] = (),
    allowances: tuple[float, ...] = (),
) -> Case:
    """The goals are given for the NumPy kernels and for the native ones, in this order."""
    return Case(
        network,
        action,
        batch,
        dict(zip(OURS, limits, strict=False)),
        dict(zip(OURS, allowances, strict=False)),
    )


CASES = {
    "convnet": (
        _case("convnet", "train", 1, (1.5, 0.5)),
        _case("convnet", "train", 32, (1.3, 0.6)),
        _case("convnet", "train", 128, (1.3, 0.6)),
    ),
    "small_conv": (
        _case("small_conv", "train", 1, (1.5, 0.5)),
        _case("small_conv", "train", 32, (2.0, 0.6)),
        _case("small_conv", "train", 128, (2.0, 0.6)),
    ),
    "mlp": (
        _case("mlp", "train", 1, (1.5, 0.5)),
        _case("mlp", "train", 32, (1.3, 0.7)),
        _case("mlp", "train", 128, (1.3, 0.7)),
    ),
    # The smallest network on single samples measures the code around the kernels.
    "batch_1": (_case("digits_mlp", "train", 1), _case("digits_mlp", "infer", 1)),
    "residual": (_case("residual", "train", 64, (2.0, 0.9)),),
    "wide_mlp": (_case("wide_mlp", "train", 128),),
    "inference": tuple(
        case
        for network in ("convnet", "small_conv", "mlp")
        for case in (
            _case(network, "infer", 1, allowances=(60e-6, 25e-6)),
            _case(network, "infer", 128, (3.0, 1.2)),
        )
    ),
}
"""The cases of each workload with a single step."""

SCALING = (_case("convnet", "train", 128), _case("small_conv", "train", 128))
"""Cases compared with their bare matrix products, on one thread and on several."""

MEMORY = (_case("mnist_cnn", "train", 64), _case("convnet", "train", 128))
"""Cases compared by peak memory."""

WORKLOADS = (*CASES, "gemm", "memory", "job", "start")
