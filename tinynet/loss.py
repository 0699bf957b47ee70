"""The protocol of losses, and every name that the author of a loss imports."""

from typing import Any, ClassVar, Protocol, runtime_checkable

from tinynet.config import Config
from tinynet.errors import ShapeError
from tinynet.layer.context import Context
from tinynet.layer.onnx_graph import OnnxGraph
from tinynet.types import Array, Shape

__all__ = [
    "Array",
    "CheckedLoss",
    "ClassLoss",
    "Context",
    "CountedLoss",
    "ExportableLoss",
    "Loss",
    "LossConfig",
    "OnnxGraph",
    "ReplayableLoss",
    "Shape",
    "ShapeError",
]


class LossConfig(Config):
    """The base of a loss's ``Config``: the loss's own keys, besides those of every loss."""

    reserved: ClassVar[frozenset[str]] = frozenset({"type", "name", "weight", "target", "comment"})


class Loss(Protocol):
    """The loss that training minimizes. Constructed as ``Type(config)``.

    A loss is summed over samples, so that the losses of shards add up; the caller divides by the
    number of samples. ``per_sample = True`` promises that each sample contributes its own term,
    independent of the others, as for layers.

    A class with ``output_count = 2`` (or more) compares several outputs of the network, which a
    spec names as ``"left+right"``: its methods get and return a tuple where others have a single
    output, shape or gradient. A class with ``takes_target = False`` has no target: its methods get
    None for it.
    """

    Config: ClassVar[type[Any]]

    def forward(
        self, ctx: Context, outputs: Array, targets: Array, weights: Array | None = None
    ) -> tuple[float, Any]:
        """Return the loss, summed over samples.

        Args:
            ctx: The context of this pass.
            outputs: The output of the network, (N, *out_shape).
            targets: The targets of the dataset, (N, *target_shape).
            weights: Weight of each sample, (N,), or of each of its positions, (N, T); or None. It
                is passed only if a spec or a dataset has weights, so a loss without weights may
                omit the parameter.

        Returns:
            The sum, and the cache for `backward`.
        """
        ...

    def backward(self, ctx: Context, cache: Any) -> Array:
        """Return the gradient of the sum with respect to ``outputs``, (N, *out_shape)."""
        ...

    def predict(self, outputs: Array) -> Array:
        """Return the predictions from ``outputs``: probabilities from logits, for example.

        A loss of several outputs needs no such method: their predictions are the outputs.
        """
        ...


@runtime_checkable
class CheckedLoss(Protocol):
    """The ability of a loss to check targets before training starts."""

    def check_shapes(self, out_shape: Shape, target_shape: Shape) -> None:
        """Raise a ShapeError that names the right shape, unless the two shapes fit together."""
        ...

    def bad_target(self, out_shape: Shape, targets: Array) -> tuple[int, str] | None:
        """Return the row of the first target that is impossible, and the reason; or None."""
        ...


@runtime_checkable
class CountedLoss(Protocol):
    """The ability of a loss to be a mean over valid positions, such as tokens, not over samples.

    ``forward`` then returns a sum over all positions that count, and the caller divides by their
    number in all samples of the update. So the mean does not depend on how samples are divided.
    A loss of labels that leaves out those with a certain label has it as ``ignore_label``.

    Attributes:
        counts_positions: True if the loss is such a mean with the options that it has.
    """

    counts_positions: bool

    def count(self, targets: Array, weights: Array | None) -> float:
        """Return the number of positions that count in some samples.

        Args:
            targets: The targets, (N, *target_shape).
            weights: Weight of each sample or position, as for `Loss.forward`, or None.
        """
        ...


@runtime_checkable
class ReplayableLoss(Protocol):
    """The ability of a loss that only calls kernels to be replayed together with a network.

    Without weights, its two methods give the bits of `Loss.forward` and `Loss.backward`. A subclass
    with methods of its own declares them again if it has the ability, too.
    """

    def replayed_targets(self, outputs: Shape, targets: Array) -> Array | None:
        """Return targets as `losses_and_gradient` takes them; None if it cannot take them.

        Args:
            outputs: The shape of the outputs, (N, *out_shape).
            targets: The targets of the dataset, (N, *target_shape), good or bad.

        Returns:
            Integers of one dtype, or real numbers, which the other method gets in the dtype of the
            outputs. The shape follows from that of the targets. For None, `Loss.forward` is called
            in place of the other method.
        """
        ...

    def losses_and_gradient(
        self, ctx: Context, outputs: Array, targets: Array
    ) -> tuple[Array, Array]:
        """Return losses and the gradient of their sum with respect to ``outputs``.

        It calls kernels of ``ctx.kernels`` and makes views, and nothing else.

        Args:
            ctx: The context of this pass.
            outputs: The output of the network, (N, *out_shape).
            targets: The result of `replayed_targets`.

        Returns:
            Losses in one axis, which are summed in float64, and the gradient, (N, *out_shape).
        """
        ...


@runtime_checkable
class ClassLoss(Protocol):
    """The ability of a loss on classes to say how many classes its outputs can represent."""

    def max_classes(self, out_shape: Shape) -> int:
        """Return the number of classes that outputs of ``out_shape`` can represent."""
        ...


@runtime_checkable
class ExportableLoss(Protocol):
    """The ability of a loss to export `Loss.predict` as operators of ONNX.

    A loss whose `predict` returns the outputs as they are does not need it.
    """

    def to_onnx(self, graph: OnnxGraph, outputs: str) -> str:
        """Add the operators that compute `Loss.predict`, and return the name of the predictions.

        Args:
            graph: The graph to which the operators are added.
            outputs: The name of the network's output, (N, *out_shape).
        """
        ...
