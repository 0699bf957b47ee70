"""The results of a batch."""

from collections.abc import Sequence
from typing import NamedTuple

from tinynet.engine.shard_pass import ShardPass
from tinynet.engine.shares import BatchShare
from tinynet.engine.trained_chain import TrainedPass
from tinynet.types import Array


class BatchResult(NamedTuple):
    """The result of a batch.

    Attributes:
        loss: The weighted losses that are means over samples, summed over the samples.
        losses: Each loss, unweighted, summed over the samples, by its name.
        predictions: Predictions for each output, (n, *out_shape), by name, for the samples of this
            process.
        gradients: Gradient of each trainable parameter, by address; valid until the engine's next
            batch. Empty in evaluation.
        shards: The pass of each shard of this process, in order.
        some_are_idle: True if a process has no shard.
    """

    loss: float
    losses: dict[str, float]
    predictions: dict[str, Array]
    gradients: dict[str, Array]
    shards: Sequence[ShardPass | TrainedPass]
    some_are_idle: bool = False

    def commit(self) -> None:
        """Update running statistics from the shards of this process; see `Engine.commit`."""
        for shard in self.shards:
            shard.commit()


class PartialResult(NamedTuple):
    """The result of the shards of one process: what `Engine.complete` needs.

    Attributes:
        share: The shards.
        losses: Each loss, unweighted, summed over the samples of a shard, by its name, for each
            shard. If a loss needs the whole batch, the sums over the batch, once in all processes.
        predictions: Predictions for the samples of this process, (n, *out_shape), by output.
        gradients: Gradients of each parameter by address, one of each shard. Empty in evaluation.
        shards: The pass of each shard.
        in_training: False in evaluation.
    """

    share: BatchShare
    losses: list[dict[str, float]]
    predictions: dict[str, Array]
    gradients: dict[str, list[Array]]
    shards: Sequence[ShardPass | TrainedPass]
    in_training: bool
