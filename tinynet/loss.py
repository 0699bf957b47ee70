"""The protocol of losses, and everything the author of one imports."""

from typing import Any, ClassVar, Protocol, runtime_checkable

from tinynet.config import Config
from tinynet.errors import ShapeError
from tinynet.layer.context import Context
from tinynet.types import Array, Shape

__all__ = [
    "Array",
    "CheckedLoss",
    "ClassLoss",
    "Context",
    "Loss",
    "LossConfig",
    "Shape",
    "ShapeError",
]


class LossConfig(Config):
    """The base of a loss's ``Config``; the spec says beside it how much the loss counts."""

    reserved: ClassVar[frozenset[str]] = frozenset({"type", "name", "weight", "target", "comment"})


class Loss(Protocol):
    """The loss that training minimizes. Constructed as ``Type(config)``.

    A loss is summed over samples, so that the parts of a batch add up; the caller divides
    by the number of samples. ``per_sample = True`` promises that the sum is one of independent
    terms, as for layers.
    """

    Config: ClassVar[type[Any]]

    def forward(
        self, ctx: Context, outputs: Array, targets: Array, weights: Array | None = None
    ) -> tuple[float, Any]:
        """Return the loss, summed over samples.

        Args:
            ctx: This pass.
            outputs: What the network gives, (N, *out_shape).
            targets: What the dataset says, (N, *target_shape).
            weights: Weight of each sample, (N,), or None; handed in only where a spec or a
                dataset has weights, so a loss that knows none may leave the argument out.

        Returns:
            The sum, and the cache for `backward`.
        """
        ...

    def backward(self, ctx: Context, cache: Any) -> Array:
        """Gradient of the sum with respect to ``outputs``, (N, *out_shape)."""
        ...

    def predict(self, outputs: Array) -> Array:
        """Return the predictions of ``outputs``: logits become probabilities, for example."""
        ...


@runtime_checkable
class CheckedLoss(Protocol):
    """The ability of a loss that can tell bad targets before training starts."""

    def check_shapes(self, out_shape: Shape, target_shape: Shape) -> None:
        """Raise ShapeError, saying what would be right, unless the two shapes fit together."""
        ...

    def bad_target(self, out_shape: Shape, targets: Array) -> tuple[int, str] | None:
        """Return the position in ``targets`` of the first that is impossible, and why; or None."""
        ...


@runtime_checkable
class ClassLoss(Protocol):
    """The ability of a loss on classes to say how many classes its outputs can represent."""

    def max_classes(self, out_shape: Shape) -> int:
        """Return the number of classes that outputs of ``out_shape`` can represent."""
        ...
