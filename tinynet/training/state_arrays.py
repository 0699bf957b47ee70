"""The arrays of the state of a run, by their names in a checkpoint."""

from collections.abc import Mapping

from tinynet.engine.tensor_names import FIGURES, SCHEDULE, SLOTS, in_group, named_weights, of_group
from tinynet.network.network import Network
from tinynet.training.average import WeightAverage
from tinynet.training.evaluation import Figures
from tinynet.training.learning_rate import LearningRate
from tinynet.training.lookahead import Lookahead
from tinynet.training.updater import Updater
from tinynet.types import Array


class StateArrays:
    """The arrays that the next step depends on, of all parts of a trainer."""

    def __init__(
        self,
        network: Network,
        average: WeightAverage | None,
        lookahead: Lookahead,
        updater: Updater,
        rate: LearningRate,
        figures: Figures,
    ) -> None:
        """Combine the parts; each keeps its arrays."""
        self._network, self._average = network, average
        self._lookahead, self._updater = lookahead, updater
        self._rate, self._figures = rate, figures

    def named(self) -> dict[str, Array]:
        """Return every array by its name; the arrays are live."""
        slots = {
            f"{address}/{name}": array
            for address, slots in self._updater.slots.items()
            for name, array in slots.items()
        }
        return {
            **named_weights(self._network.params, self._network.buffers),
            **({} if self._average is None else self._average.state()),
            **self._lookahead.state(),
            **in_group(SLOTS, slots),
            **in_group(SCHEDULE, self._rate.state),
            **in_group(FIGURES, self._figures.state()),
        }

    def load(self, arrays: Mapping[str, Array]) -> None:
        """Load arrays with the names, shapes and dtypes of `named`."""
        for name, array in self.named().items():
            array[...] = arrays[name]
        self._network.refresh()
        if self._average is not None:
            self._average.network.refresh()
        self._figures.load_state(of_group(FIGURES, arrays))
