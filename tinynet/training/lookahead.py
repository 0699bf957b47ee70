"""Lookahead: slow weights, which the trained ones return to after every few steps."""

from collections.abc import Callable, Mapping

from tinynet.engine.tensor_names import LOOKAHEAD, PARAMS, in_group
from tinynet.spec.training_spec import LookaheadSpec
from tinynet.training.average import blend
from tinynet.types import Array


class Lookahead:
    """A second copy of the trained parameters, which takes a step for every few of the optimizer.

        slow += fraction * (param - slow)
        param = slow

    The constraints of parameters hold after it, for both copies. The optimizer's own state is kept.
    Zhang et al., "Lookahead Optimizer: k steps forward, 1 step back", 2019.
    """

    def __init__(self, spec: LookaheadSpec | None, params: Mapping[str, Array]) -> None:
        """Start with the parameters as they are.

        Args:
            spec: The options; None for no lookahead.
            params: The trained parameters by address; the arrays are changed in place.
        """
        self._spec = spec
        self._params = params if spec is not None else {}
        self._slow = {address: array.copy() for address, array in self._params.items()}

    def state(self) -> dict[str, Array]:
        """Return the slow weights by their names in a checkpoint; the arrays are live."""
        return in_group(LOOKAHEAD, in_group(PARAMS, self._slow))

    def restart(self) -> None:
        """Make the slow weights equal to the parameters, after those were set from outside."""
        blend(self._slow, self._params, 1.0)

    def update(self, step: int, project: Callable[[], None]) -> None:
        """Complete the update of a step.

        Args:
            step: Number of this step, counted from 1.
            project: A function that applies the constraints to the parameters.
        """
        if self._spec is None or step % self._spec.every_steps:
            project()
            return
        blend(self._slow, self._params, self._spec.fraction)
        blend(self._params, self._slow, 1.0)
        project()
        self.restart()
