"""The gradients of a step, accumulated over its batches."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from tinynet.engine.engine import BatchResult, Engine
from tinynet.engine.shard_pass import RandomKey
from tinynet.network.network import Network
from tinynet.training.divergence import divergence
from tinynet.training.evaluation import mean_loss
from tinynet.training.loader import StepSamples
from tinynet.types import Array


class StepResult(NamedTuple):
    """The results of the forward and backward passes of a step.

    Attributes:
        loss: The mean weighted loss.
        gradients: The mean gradient of each parameter, by address.
        batches: The results of the batches.
        penalty: The penalty of regularizers, whose gradients are part of ``gradients``.
    """

    loss: float
    gradients: Mapping[str, Array]
    batches: list[BatchResult]
    penalty: float = 0.0


def accumulate(
    engine: Engine,
    network: Network,
    samples: StepSamples,
    batch_size: int,
    key: RandomKey,
    *,
    predict: bool,
) -> StepResult:
    """Return the loss and the gradients of the samples of a step; no state changes.

    Args:
        engine: The engine of the network.
        network: The network, with its losses.
        samples: The samples.
        batch_size: Most samples of a batch.
        key: The key of the step's random streams.
        predict: True if the predictions of the losses are needed.

    Raises:
        DataError: for a value that is not finite in the network's dtype.
        DivergedError: if the loss is not finite.
        PluginError: if a layer or a loss raises an exception, or returns a wrong value.
    """
    starts = range(0, len(samples), batch_size)
    results: list[BatchResult] = []
    gradients: dict[str, Array] = {}
    divisors = engine.divisors(samples.y, samples.weights, len(samples))
    for number, start in enumerate(starts):
        batch = samples
        if len(starts) > 1:
            batch = samples.rows(slice(start, start + batch_size))
        batch_key = key._replace(micro_batch=number)
        result = engine.train(batch.x, batch.y, batch.weights, batch_key, divisors, predict=predict)
        if not all(map(math.isfinite, (result.loss, *result.losses.values()))):
            raise divergence(engine, result, batch.x, batch.y, batch_key, start, network.dtype)
        gradients = _add(gradients, result) if len(starts) > 1 else result.gradients
        results.append(result)
    loss = mean_loss(network.losses, results, len(samples), divisors)
    return StepResult(loss, network.parametrizations.gradients(gradients), results)


def _add(sums: dict[str, Array], result: BatchResult) -> dict[str, Array]:
    """Return the accumulated gradients, in memory of their own."""
    if not sums:
        return {address: gradient.copy() for address, gradient in result.gradients.items()}
    for address, total in sums.items():
        total += result.gradients[address]
    return sums
