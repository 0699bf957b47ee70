"""The gradients of a step, accumulated over its batches."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tinynet.engine.engine import Engine
from tinynet.engine.results import BatchResult
from tinynet.engine.shard_pass import RandomKey
from tinynet.errors import DivergedError
from tinynet.network.network import Network
from tinynet.training.divergence import divergence
from tinynet.training.evaluation import mean_loss
from tinynet.training.exchange import Exchange
from tinynet.training.step_samples import StepSamples, joined_samples
from tinynet.types import Array


class StepResult(NamedTuple):
    """The results of the forward and backward passes of a step.

    Attributes:
        loss: The mean weighted loss.
        gradients: The mean gradient of each parameter, by address.
        batches: The results of the batches.
        counts: Positions of each loss that is a mean over positions, by its name.
        notes: The notes of all processes, in order.
        penalty: The penalty of regularizers, whose gradients are part of ``gradients``.
    """

    loss: float
    gradients: Mapping[str, Array]
    batches: list[BatchResult]
    counts: dict[str, float]
    notes: Sequence[Any]
    penalty: float = 0.0


def accumulate(
    engine: Engine,
    network: Network,
    samples: StepSamples,
    batch_size: int,
    key: RandomKey,
    exchange: Exchange,
    *,
    predict: bool,
    note: Callable[[Sequence[tuple[Mapping[str, Array], StepSamples]]], Any],
    whole: Callable[[], StepSamples],
) -> StepResult:
    """Return the loss and the gradients of the samples of a step; no state changes.

    Args:
        engine: The engine of the network.
        network: The network, with its losses.
        samples: The samples of this process.
        batch_size: Most samples of a batch.
        key: The key of the step's random streams.
        exchange: The exchange with the processes that have the other samples.
        predict: True if the predictions of the losses are needed.
        note: Returns what the other processes, if there are some, must know of the predictions and
            samples of each batch.
        whole: Returns the samples of all processes.

    Raises:
        Abandoned: if the processes agree to stop.
        DataError: for a value that is not finite in the network's dtype.
        DivergedError: if the loss is not finite.
        PluginError: if a layer or a loss raises an exception, or returns a wrong value.
    """
    batches, count = samples.batches(batch_size, engine.share), len(samples)
    counts: dict[str, float] = {}
    if engine.counts_positions:
        counts = engine.counts(*_labels(samples, batches, exchange))
    divisors = engine.divisors(counts, count)
    results: list[BatchResult] = []
    gradients: dict[str, Array] = {}
    predicted: list[tuple[Mapping[str, Array], StepSamples]] = []
    notes: list[Any] = []
    for number, (batch, share) in enumerate(batches):
        batch_key = key._replace(micro_batch=number) if number else key
        part = engine.compute(
            batch.x, batch.y, batch.weights, batch_key, divisors, share, predict=predict
        )
        losses = part.losses
        if exchange.group is not None:
            predicted.append((part.predictions, batch))
            if number < len(batches) - 1:
                gathered = exchange.group.gather((losses, None))
            else:
                gathered = exchange.gather((losses, note(predicted)))
            losses = [each for of_process, _ in gathered for each in of_process]
            notes = [of_process for _, of_process in gathered]
        result = engine.complete(part, losses)
        if not all(map(math.isfinite, (result.loss, *result.losses.values()))):
            raise _divergence(engine, network, result, whole, batch_size, batch_key)
        gradients = _add(gradients, result) if len(batches) > 1 else result.gradients
        results.append(result)
    loss = mean_loss(network.losses, results, count, divisors)
    effective = network.parametrizations.gradients(gradients)
    return StepResult(loss, effective, results, counts, notes)


def _labels(
    samples: StepSamples,
    batches: Sequence[tuple[StepSamples, Any]],
    exchange: Exchange,
) -> tuple[Mapping[str, Array], Array | None]:
    """Return targets and weights of all samples of the step."""
    if exchange.group is None:
        return samples.y, samples.weights
    gathered = exchange.group.gather([(batch.y, batch.weights) for batch, _ in batches])
    return joined_samples([part for of_batch in zip(*gathered, strict=True) for part in of_batch])


def _divergence(
    engine: Engine,
    network: Network,
    result: BatchResult,
    whole: Callable[[], StepSamples],
    batch_size: int,
    key: RandomKey,
) -> Exception:
    """Return the error for a batch whose loss is not finite; one process looks for the reason."""
    if engine.group is not None and not engine.group.first:
        return DivergedError(f"the loss is not finite at step {key.step + 1}")
    start = key.micro_batch * batch_size
    batch = whole().rows(slice(start, start + batch_size))
    return divergence(engine, result, batch.x, batch.y, key, start, network.dtype)


def _add(sums: dict[str, Array], result: BatchResult) -> dict[str, Array]:
    """Return the accumulated gradients, in memory of their own."""
    if not sums:
        return {address: gradient.copy() for address, gradient in result.gradients.items()}
    for address, total in sums.items():
        total += result.gradients[address]
    return sums
