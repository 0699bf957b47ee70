"""The compared sides: names, abilities and requirements."""

from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from versus.names import (
    CHANNELS_LAST,
    COMPILED,
    JAX,
    NATIVE,
    NUMPY,
    ONNX,
    PRODUCTS,
    SKLEARN,
    TORCH,
)
from versus.specs import IMAGES
from versus.workloads import Case

EVERYTHING = ("train", "infer")
WITH_GENERATION = (*EVERYTHING, "generate")


@dataclass(frozen=True)
class Side:
    """A library to compare, or one configuration of it.

    Attributes:
        module: The module with its functions: `train`, `infer` and `generate`.
        needs: The required module, and the distribution that provides it.
        options: Arguments of those functions.
        actions: The names of the functions that it has.
        networks: The networks that it can compute; None means all.
        checked_steps: Number of training steps that must agree; 0 for the bare matrix products.
        python: The interpreter that runs it; None for the one that runs this program.
    """

    module: str
    needs: tuple[str, str]
    options: dict[str, Any] = field(default_factory=dict)
    actions: tuple[str, ...] = EVERYTHING
    networks: tuple[str, ...] | None = None
    checked_steps: int = 2
    python: str | None = None

    def takes_part(self, case: Case) -> bool:
        named = self.networks is None or case.network in self.networks
        return named and case.action in self.actions

    @property
    def missing(self) -> str | None:
        """Return the missing requirement of a side, or an empty string."""
        name, distribution = self.needs
        return None if find_spec(name) else f"{distribution} is not installed"


_CORE = ("tinynet", "tinynet-core")
_NATIVE = ("tinynet_native", "tinynet-native")
_TORCH = ("torch", "torch")

SIDES = {
    NUMPY: Side("tinynet_side", _CORE, {"kernels": "numpy"}, WITH_GENERATION),
    NATIVE: Side("tinynet_side", _NATIVE, {"kernels": "native"}, WITH_GENERATION),
    TORCH: Side("torch_side", _TORCH, actions=WITH_GENERATION),
    CHANNELS_LAST: Side("torch_side", _TORCH, {"channels_last": True}, networks=tuple(IMAGES)),
    COMPILED: Side("torch_side", _TORCH, {"compiled": True}),
    JAX: Side("jax_side", ("jax", "jax"), actions=WITH_GENERATION),
    ONNX: Side(
        "onnx_side",
        ("onnxruntime", "onnxruntime and onnx"),
        actions=("infer",),
        networks=tuple(IMAGES),
    ),
    SKLEARN: Side(
        "sklearn_side",
        ("sklearn", "scikit-learn"),
        actions=("train",),
        networks=("mlp", "wide_mlp"),
        # Its Adam adds epsilon before the bias is corrected: updates differ where gradients vanish.
        checked_steps=1,
    ),
    PRODUCTS: Side("blas_side", ("numpy", "numpy"), networks=tuple(IMAGES), checked_steps=0),
}
