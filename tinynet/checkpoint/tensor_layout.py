"""Name, shape and dtype of a tensor that may be transferred to a new network."""

from collections.abc import Mapping
from dataclasses import dataclass

from tinynet.spec.network_spec import TRANSPOSED
from tinynet.types import Array, Shape

CONVERTIBLE = frozenset(("bfloat16", "float16", "float32", "float64"))
"""The dtypes that are converted to that of the network; files alone have bfloat16."""


@dataclass(frozen=True)
class TensorLayout:
    """Name, such as ``params/dense_2/weight``, shape and dtype of a tensor, or of its transpose.

    Attributes:
        name: The name of the tensor.
        shape: Its shape; that of the transpose if it is transposed.
        dtype: NumPy's name of its dtype.
        transposed: True if its transpose is transferred.
    """

    name: str
    shape: Shape
    dtype: str
    transposed: bool = False

    @property
    def address(self) -> str:
        """The name without its group: ``dense_2/weight``."""
        return self.name.partition("/")[2]

    @property
    def node(self) -> str:
        """The name of the node: ``dense_2``."""
        return self.address.partition("/")[0]

    @property
    def pattern(self) -> str:
        """The pattern of all tensors of its node: ``dense_2/*``; or its name, if it has no node."""
        return f"{self.node}/*" if "/" in self.address else self.address

    @property
    def label(self) -> str:
        """The address, with ``.T`` after it for a transpose."""
        return f"{self.address}{TRANSPOSED if self.transposed else ''}"

    @property
    def origin(self) -> str:
        """Its description as the source of another tensor."""
        return self.label

    def __str__(self) -> str:
        dtype = "" if self.dtype in CONVERTIBLE else f" of {self.dtype}"
        return f"{self.label} {self.shape}{dtype}"

    def transpose(self) -> "TensorLayout":
        """Return the layout of the transpose."""
        return TensorLayout(self.name, self.shape[::-1], self.dtype, not self.transposed)

    def value(self, tensors: Mapping[str, Array]) -> Array:
        """Return the tensor, or its transpose, from all tensors by name."""
        array = tensors[self.name]
        return array.T if self.transposed else array


def layouts(arrays: Mapping[str, Array]) -> list[TensorLayout]:
    """Return name, shape and dtype of each array."""
    return [TensorLayout(name, a.shape, a.dtype.name) for name, a in arrays.items()]


def find_tensor(name: str, tensors: Mapping[str, TensorLayout]) -> TensorLayout | None:
    """Return the tensor of a name, or the transpose for a name with ``.T`` after it."""
    if name in tensors:
        return tensors[name]
    plain = tensors.get(name.removesuffix(TRANSPOSED))
    return None if plain is None else plain.transpose()
