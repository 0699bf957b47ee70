"""One update of a network: the gradients of a step, and the change of its parameters by them."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from tinynet.engine.engine import Engine
from tinynet.engine.kernel_threads import threads_for_update
from tinynet.engine.numeric_context import in_numeric_context
from tinynet.engine.shard_pass import RandomKey
from tinynet.network.network import Network
from tinynet.spec.training_spec import TrainingSpec
from tinynet.training.accumulation import StepResult, accumulate
from tinynet.training.average import WeightAverage
from tinynet.training.constraints import Constraints
from tinynet.training.evaluation import Figures, LossSums
from tinynet.training.exchange import Exchange
from tinynet.training.lookahead import Lookahead
from tinynet.training.metric_shares import add_shares, share_of
from tinynet.training.progress import Progress
from tinynet.training.regularization import Regularization
from tinynet.training.step_samples import StepSamples
from tinynet.training.updater import Updater

T = TypeVar("T")


class Update:
    """The update of the parameters of a network by the samples of a step.

    Attributes:
        figures: The loss and the metrics of the samples of training.
        lookahead: The slow weights.
        updater: The optimizer with its state.
    """

    def __init__(
        self,
        training: TrainingSpec,
        network: Network,
        engine: Engine,
        exchange: Exchange,
        average: WeightAverage | None,
    ) -> None:
        """Create the parts that the spec names.

        Args:
            training: The training part of the spec.
            network: The network, with its losses.
            engine: The engine of the network.
            exchange: The exchange with the other processes.
            average: The averaged weights, if the spec has some.
        """
        self._training, self._network = training, network
        self._engine, self._exchange, self._average = engine, exchange, average
        self._trainable = network.trainable
        self.updater = Updater(network.params, self._trainable, training.optimizer, network.kernels)
        trained = {address: network.params[address] for address in sorted(self._trainable)}
        self._elements = sum(param.size for param in trained.values())
        self.lookahead = Lookahead(training.lookahead, trained)
        self._regularization = Regularization(training, network)
        self._constraints = Constraints(training, network)
        penalized = bool(self._regularization)
        self.figures = Figures(training.metrics, network, penalized=penalized)

    def check(self) -> None:
        """Raise the errors that would end the run at its first update.

        Raises:
            PluginError: for an optimizer, regularizer or constraint that breaks its protocol.
        """
        self.updater.check()
        self._regularization.check()
        self._constraints.check()

    def restart(self) -> None:
        """Initialize the state of optimizer and lookahead for the parameters as they are now."""
        self.updater.renew_slots()
        self.lookahead.restart()

    def in_context(self, work: Callable[..., T], samples: StepSamples, *args: Any) -> T:
        """Call ``work(samples, *args)`` in the numeric context of the passes of a step."""
        share = self._engine.share(min(len(samples), self._training.batch_size))
        return self._engine.in_context(share, work, samples, *args)

    def compute(
        self, samples: StepSamples, step: int, whole: Callable[[], StepSamples]
    ) -> StepResult:
        """Return loss and gradients, with those of regularizers; no state changes.

        It is called `in_context`, and so is `apply`.

        Args:
            samples: The samples of this process.
            step: Number of earlier updates.
            whole: Returns the samples of all processes.

        Raises:
            Abandoned: if the processes agree to stop.
            DataError: for a value that is not finite in the network's dtype.
            DivergedError: if the loss or a penalty is not finite.
            PluginError: if a plugin raises an exception, or returns a wrong value.
        """
        result = accumulate(
            self._engine,
            self._network,
            samples,
            self._training.batch_size,
            RandomKey(self._training.seed, step),
            self._exchange,
            predict=bool(self.figures.metrics),
            note=partial(share_of, self.figures),
            whole=whole,
        )
        return self._regularization.added_to(result, step)

    def apply(
        self, result: StepResult, samples: StepSamples, progress: Progress, rate: float
    ) -> None:
        """Change the state by the result of a step, and count the step.

        Args:
            result: The result of `compute`.
            samples: The samples of this process.
            progress: The position in the run.
            rate: The learning rate.
        """
        count = len(samples)
        sums = LossSums.of(result.batches, count, result.counts)
        self.figures.add_losses(sums, result.penalty)
        if self._exchange.group is None:
            self.figures.count_results(result.batches, samples)
        else:
            add_shares(self.figures, result.notes)
        flops = count * self._network.program.cost.flops
        threads = threads_for_update(self._engine.threads, flops, self._elements)
        step, update = progress.step - progress.optimizer_start, self.updater.update
        in_numeric_context(self._network.kernels, threads, update, result.gradients, step, rate)
        self.lookahead.update(progress.step + 1, self._constraints.project)
        self._engine.commit(result.batches)
        self._network.parametrizations.advance(self._trainable)
        progress.step += 1
        if self._average is not None:
            self._average.update(progress.step)
