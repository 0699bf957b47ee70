"""The penalties of parameters that training minimizes beside the loss."""

import math
from numbers import Real
from typing import NamedTuple

import numpy as np

from tinynet import registry
from tinynet.errors import DivergedError, Problem, ShapeError, SpecError
from tinynet.network.address_patterns import chosen_weights, is_weight
from tinynet.network.network import Network
from tinynet.regularizer import Regularizer
from tinynet.spec.graph import build_graph
from tinynet.spec.network_spec import RegularizerReference
from tinynet.spec.training_spec import TrainingSpec
from tinynet.text.plugin_errors import PluginErrors, plugin_error
from tinynet.text.wording import format_list, quote
from tinynet.training.accumulation import StepResult
from tinynet.types import Array


class Declared(NamedTuple):
    """A regularizer of a spec.

    Attributes:
        reference: The regularizer.
        pointer: JSON pointer to it.
        addresses: The parameters that it is declared for, trained or not.
    """

    reference: RegularizerReference
    pointer: str
    addresses: frozenset[str]


class _Penalty(NamedTuple):
    """A regularizer of one parameter."""

    address: str
    param: Array
    regularizer: Regularizer
    pointer: str


class Regularization:
    """The regularizers of a network's trained parameters, in the order of their addresses.

    It is false if the spec has no regularizers.
    """

    def __init__(self, training: TrainingSpec, network: Network) -> None:
        """Create the regularizers.

        Raises:
            SpecError: for a pattern that matches nothing, or a node without weights.
            PluginError: if a regularizer is missing or broken.
        """
        penalties, all_declared = [], declared_regularizers(training, network)
        for declared in all_declared:
            regularizer = registry.default().create(declared.reference, declared.pointer)
            penalties += [
                _Penalty(address, network.params[address], regularizer, declared.pointer)
                for address in declared.addresses & network.trainable
            ]
        self._penalties = sorted(penalties, key=lambda penalty: penalty.address)
        self._is_declared = bool(all_declared)

    def __bool__(self) -> bool:
        return self._is_declared

    def added_to(self, result: StepResult, step: int) -> StepResult:
        """Return the result of a step with the sum of the penalties, and with their gradients.

        Args:
            result: The result without them; it is not changed.
            step: Number of earlier updates.

        Raises:
            DivergedError: if the penalty is not finite.
            ShapeError: if a regularizer does not take a parameter.
            PluginError: if a regularizer raises an exception, or returns a wrong value.
        """
        if not self._penalties:
            return result
        total, gradients = 0.0, dict(result.gradients)
        for penalty in self._penalties:
            value, gradient = _value_and_gradient(penalty)
            if not math.isfinite(value):
                raise DivergedError(
                    f"the penalty of {quote(penalty.address)} is not finite at step {step + 1}:"
                    f" {value} ({penalty.pointer}). A smaller learning_rate or a smaller factor may"
                    " help"
                )
            total += value
            gradients[penalty.address] = gradients[penalty.address] + gradient
        return result._replace(gradients=gradients, penalty=total)

    def check(self) -> None:
        """Compute each penalty once.

        Raises:
            ShapeError: if a regularizer does not take a parameter.
            PluginError: if a regularizer raises an exception, or returns a wrong value.
        """
        with np.errstate(all="ignore"):
            for penalty in self._penalties:
                _value_and_gradient(penalty)


def declared_regularizers(training: TrainingSpec, network: Network) -> list[Declared]:
    """Return the regularizers of the nodes, and then those of ``training.regularizers``.

    Raises:
        SpecError: listing the nodes without weights; or for a pattern that matches nothing.
    """
    declared, problems = [], []
    for node in build_graph(network.spec):
        if node.spec.regularizer is None:
            continue
        pointer, own = f"{node.pointer}/regularizer", network.params_of(node.name)
        addresses = frozenset(a for a in own if is_weight(a.rpartition("/")[2]))
        if not addresses:
            problems.append(Problem(_without_weights(network, node.name), pointer))
        declared.append(Declared(node.spec.regularizer, pointer, addresses))
    for index, spec in enumerate(training.regularizers or ()):
        pointer = f"/training/regularizers/{index}"
        declared.append(
            Declared(spec, pointer, chosen_weights(network.params, spec.params, pointer))
        )
    if problems:
        raise SpecError(problems)
    return declared


def _without_weights(network: Network, name: str) -> str:
    """Return the message about the regularizer of a node that has no weights in training."""
    node, own = network.nodes[name], network.params_of(name)
    arrays = [address for address in own if address.rpartition("/")[2] not in node.own_params]
    if not arrays:
        return f"{quote(name)} has no weights of its own to regularize; remove the key"
    return (
        f"the weights of {quote(name)} are parametrized; name their arrays in the params of"
        f" training.regularizers instead: {format_list(arrays)}"
    )


def _value_and_gradient(penalty: _Penalty) -> tuple[float, Array]:
    """Return the value and the gradient of one penalty; see `Regularization.added_to`."""
    address, param, regularizer, pointer = penalty
    try:
        with PluginErrors(regularizer, "value_and_gradient raised", pointer):
            value, gradient = regularizer.value_and_gradient(param)
    except ShapeError as error:
        raise ShapeError([Problem(f"{quote(address)}: {error}", pointer)]) from error
    if not isinstance(value, Real):
        message = f"value_and_gradient must return a number first; it returned {value!r:.100}"
        raise plugin_error(regularizer, message, pointer)
    if getattr(gradient, "shape", None) != param.shape or gradient.dtype != param.dtype:
        message = (
            f"value_and_gradient must return a gradient of shape {param.shape} and {param.dtype}"
            f" for {quote(address)}; it returned another"
        )
        raise plugin_error(regularizer, message, pointer)
    return float(value), gradient
