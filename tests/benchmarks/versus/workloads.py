"""The workloads: the cases that run the networks, and the goals."""

from dataclasses import dataclass
from typing import Literal

from versus.goals import (
    BATCH,
    GENERATION,
    GROUP_NORMED,
    INFERENCE,
    INFERENCE_1,
    NORMED,
    SEPARABLE,
    SEQUENCES,
    SMALL_BATCH,
    Goal,
)
from versus.names import CHANNELS_LAST, COMPILED, JAX, ONNX, TORCH

Action = Literal["train", "infer", "generate"]

ACTIONS = {"train": "training step", "infer": "inference", "generate": "generation of a text"}
"""The actions in titles."""

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
        goal: The goal of the ratio of tinynet's time to that of the fastest peer; None without.
    """

    network: str
    action: Action
    batch: int
    goal: Goal | None = None

    @property
    def title(self) -> str:
        return f"{self.network}, {ACTIONS[self.action]}, batch {self.batch}"

    @property
    def peers(self) -> tuple[str, ...]:
        """The peers that the goals compare with."""
        return PEERS[self.action]


def _small(network: str) -> tuple[Case, ...]:
    """The training steps of a convnet or an MLP."""
    batches = (1, SMALL_BATCH), (32, BATCH), (128, BATCH)
    return tuple(Case(network, "train", batch, goal) for batch, goal in batches)


def _steps(network: str, batches: tuple[int, ...], goal: Goal) -> tuple[Case, ...]:
    return tuple(Case(network, "train", batch, goal) for batch in batches)


CASES = {
    "convnet": _small("convnet"),
    "small_conv": _small("small_conv"),
    "mlp": _small("mlp"),
    "wide_mlp": _small("wide_mlp"),
    # The smallest network on single samples measures the code around the kernels.
    "batch_1": (Case("digits_mlp", "train", 1, SMALL_BATCH), Case("digits_mlp", "infer", 1)),
    "fashion_norm": _steps("fashion_norm", (64,), NORMED),
    "cifar_norm": _steps("cifar_norm", (64,), NORMED),
    "resnet20": _steps("resnet20", (64,), NORMED),
    "residual": _steps("residual", (64,), NORMED),
    "separable": _steps("separable", (1, 32, 128), SEPARABLE),
    "group_norm": _steps("group_norm", (1, 32, 128), GROUP_NORMED),
    "inference": tuple(
        Case(network, "infer", batch, goal)
        for network in ("convnet", "small_conv", "mlp")
        for batch, goal in ((1, INFERENCE_1), (128, INFERENCE))
    ),
    "lstm": _steps("lstm", (64,), SEQUENCES),
    "gru": _steps("gru", (64,), SEQUENCES),
    "gpt": (*_steps("gpt", (32,), SEQUENCES), Case("gpt", "infer", 32)),
    "tcn": _steps("tcn", (32,), SEPARABLE),
    "fcn": _steps("fcn", (64,), SEPARABLE),
    "generation": (Case("gpt", "generate", 1, GENERATION),),
}
"""The cases of each workload with a single step."""

SCALING = (Case("convnet", "train", 128), Case("small_conv", "train", 128))
"""Cases compared with their bare matrix products, on one thread and on several."""

MEASURED_MEMORY = (Case("mnist_cnn", "train", 64), Case("convnet", "train", 128))
"""Cases compared by peak memory."""

WORKLOADS = (*CASES, "gemm", "memory", "job", "tables", "start")
