"""The workloads: the cases that run the networks, and the goals."""

from dataclasses import dataclass
from typing import Literal

Action = Literal["train", "infer", "generate"]

ACTIONS = {"train": "training step", "infer": "inference", "generate": "generation of a text"}
"""The actions in titles."""

NUMPY, NATIVE = "tinynet numpy", "tinynet native"
TORCH, CHANNELS_LAST, COMPILED = "torch", "torch channels_last", "torch.compile"
JAX, ONNX, SKLEARN = "jax", "onnxruntime", "scikit-learn"
PRODUCTS = "matrix products"

OURS = (NUMPY, NATIVE)
PEERS = {
    "train": (TORCH, CHANNELS_LAST, COMPILED, JAX),
    "infer": (ONNX,),
    "generate": (TORCH,),
}
"""The goals of each action compare with the fastest of these; the reports have all sides."""


@dataclass(frozen=True)
class Case:
    """One action of one network, with batches of one size.

    Attributes:
        network: One of `NETWORKS`.
        action: A training step (forward, backward, Adam), inference, or the generation of as many
            values as the network has positions, one at a time.
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
        return f"{self.network}, {ACTIONS[self.action]}, batch {self.batch}"

    @property
    def peers(self) -> tuple[str, ...]:
        """The peers that the goals compare with."""
        return PEERS[self.action]


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


def _native_goal(network: str, batch: int, limit: float) -> Case:
    """A training step with a goal for the native kernels alone."""
    return Case(network, "train", batch, {NATIVE: limit}, {})


SEQUENCE_LIMITS = (2.0, 0.8)

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
    "separable": tuple(_native_goal("separable", batch, 0.7) for batch in (1, 32, 128)),
    "group_norm": tuple(_native_goal("group_norm", batch, 0.7) for batch in (1, 32, 128)),
    "wide_mlp": (_case("wide_mlp", "train", 128),),
    "inference": tuple(
        case
        for network in ("convnet", "small_conv", "mlp")
        for case in (
            _case(network, "infer", 1, allowances=(60e-6, 25e-6)),
            _case(network, "infer", 128, (3.0, 1.2)),
        )
    ),
    "lstm": (_case("lstm", "train", 64, SEQUENCE_LIMITS),),
    "gru": (_case("gru", "train", 64, SEQUENCE_LIMITS),),
    "gpt": (_case("gpt", "train", 32, SEQUENCE_LIMITS), _case("gpt", "infer", 32)),
    "tcn": (_case("tcn", "train", 32, SEQUENCE_LIMITS),),
    "generation": (_case("gpt", "generate", 1, (2.0, 0.5)),),
}
"""The cases of each workload with a single step."""

SCALING = (_case("convnet", "train", 128), _case("small_conv", "train", 128))
"""Cases compared with their bare matrix products, on one thread and on several."""

MEMORY = (_case("mnist_cnn", "train", 64), _case("convnet", "train", 128))
"""Cases compared by peak memory."""

WORKLOADS = (*CASES, "gemm", "memory", "job", "start")
