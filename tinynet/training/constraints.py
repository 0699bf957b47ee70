"""The constraints of parameters, which hold after each update."""

from typing import NamedTuple

import numpy as np

from tinynet import registry
from tinynet.constraint import Constraint
from tinynet.errors import Problem, ShapeError
from tinynet.network.address_patterns import chosen_weights
from tinynet.network.network import Network
from tinynet.spec.training_spec import ConstraintSpec, TrainingSpec
from tinynet.text.plugin_errors import PluginErrors
from tinynet.text.wording import quote
from tinynet.types import Array

POINTER = "/training/constraints"


class _Constrained(NamedTuple):
    """A constraint with its place in the spec, and its trained parameters by address."""

    constraint: Constraint
    pointer: str
    params: dict[str, Array]


class Constraints:
    """The constraints of a network's trained parameters, in the order of the spec."""

    def __init__(self, training: TrainingSpec, network: Network) -> None:
        """Create the constraints.

        Raises:
            SpecError: for a pattern that matches nothing, or a network without weights.
            PluginError: if a constraint is missing or broken.
        """
        self._all = []
        for index, spec in enumerate(training.constraints or ()):
            pointer = f"{POINTER}/{index}"
            constraint = registry.default().create(spec, pointer)
            addresses = constrained(spec, network, pointer)
            params = {address: network.params[address] for address in sorted(addresses)}
            self._all.append(_Constrained(constraint, pointer, params))

    def project(self) -> None:
        """Change the parameters in place.

        Raises:
            ShapeError: if a constraint does not take a parameter.
            PluginError: if a constraint raises an exception.
        """
        for constraint, pointer, params in self._all:
            for address, param in params.items():
                _project(constraint, pointer, address, param)

    def check(self) -> None:
        """Project copies of the parameters; errors are those of `project`."""
        with np.errstate(all="ignore"):
            for constraint, pointer, params in self._all:
                for address, param in params.items():
                    _project(constraint, pointer, address, param.copy())


def constrained(spec: ConstraintSpec, network: Network, pointer: str) -> frozenset[str]:
    """Return the addresses of the trained parameters of a constraint.

    Raises:
        SpecError: for a pattern that matches nothing, or a network without weights.
    """
    return chosen_weights(network.params, spec.params, pointer) & network.trainable


def _project(constraint: Constraint, pointer: str, address: str, param: Array) -> None:
    try:
        with PluginErrors(constraint, "project raised", pointer):
            constraint.project(param)
    except ShapeError as error:
        raise ShapeError([Problem(f"{quote(address)}: {error}", pointer)]) from error
