"""The update of a network's parameters: optimizer, its state and gradient clipping."""

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import numpy as np

from tinynet import registry
from tinynet.config import is_common
from tinynet.engine.plugin_state import layout, layout_problem, state_problem
from tinynet.engine.tensor_names import SLOTS
from tinynet.kernels import Kernels
from tinynet.kernels.numpy import NumpyKernels
from tinynet.layer.inherited import still_holds
from tinynet.optimizer import Fused, MultiTensor, Optimizer, OptimizerConfig
from tinynet.spec.training_spec import OptimizerReference
from tinynet.text.plugin_errors import PluginErrors, plugin_error
from tinynet.training.optimizer_groups import group_of_each
from tinynet.types import Array

_OPTIMIZER = "/training/optimizer"

_OF_ONE = ("update", "update_with")
"""The updates of one parameter, which `MultiTensor.update_all` repeats for several."""


class _Group:
    """Parameters with one optimizer, whose options are theirs.

    Attributes:
        optimizer: The optimizer.
        params: The parameters, by address.
        update_one: The optimizer's update of one parameter, with the kernels if it is fused.
    """

    def __init__(self, optimizer: Optimizer, rate_factor: float, kernels: Kernels) -> None:
        """Start without parameters; ``rate_factor`` is a factor of the learning rate."""
        self.optimizer, self._rate_factor = optimizer, rate_factor
        self.params: dict[str, Array] = {}
        self.update_one = optimizer.update
        if isinstance(optimizer, Fused) and still_holds(optimizer, "update_with", ("update",)):
            self.update_one = partial(optimizer.update_with, kernels)
        self._update_all: Callable[..., None] | None = None
        # Of the class itself, since one that derives from these kernels may have other updates.
        takes_lists = vars(type(kernels)).get("multi_tensor_updates", False)
        takes_lists = takes_lists and still_holds(optimizer, "update_all", _OF_ONE)
        if takes_lists and isinstance(optimizer, MultiTensor):
            self._update_all = partial(optimizer.update_all, kernels)

    def update(
        self,
        gradients: Mapping[str, Array],
        slots: Mapping[str, dict[str, Array]],
        step: int,
        rate: float,
        clip: Callable[[Array], Array] | None,
    ) -> None:
        """Update all parameters.

        Args:
            gradients: Mean gradient of each parameter, by address.
            slots: The state of each parameter, by address.
            step: Number of this step, counted from 1.
            rate: The learning rate, without the group's factor.
            clip: Returns a clipped gradient; None if none is clipped.
        """
        rate *= self._rate_factor
        if self._update_all is not None and clip is None:
            params, own = [*self.params.values()], [slots[address] for address in self.params]
            grads = [gradients[address] for address in self.params]
            self._update_all(params, grads, own, step, rate)
            return
        for address, param in self.params.items():
            gradient = gradients[address] if clip is None else clip(gradients[address])
            self.update_one(param, np.asarray(gradient, order="C"), slots[address], step, rate)


class Updater:
    """An optimizer with its state, and gradient clipping.

    Attributes:
        slots: The optimizer's state: arrays by name, for each parameter by address.
        learning_rate: The learning rate of the optimizer, before a schedule.
    """

    def __init__(
        self,
        params: Mapping[str, Array],
        trainable: Iterable[str],
        optimizer: OptimizerReference,
        kernels: Kernels | None = None,
    ) -> None:
        """Initialize the optimizer's state.

        Args:
            params: All parameters by address; the arrays are changed in place.
            trainable: Addresses of the parameters that are updated.
            optimizer: The optimizer of the spec.
            kernels: The numerical kernels; by default NumPy's.

        Raises:
            PluginError: if its Config does not derive from OptimizerConfig, or it returns a wrong
                state.
        """
        plugins = registry.default()
        self._params = {address: params[address] for address in sorted(trainable)}
        self._optimizer: Optimizer = plugins.create(optimizer, _OPTIMIZER)
        config = plugins.config(optimizer, _OPTIMIZER)
        if not isinstance(config, OptimizerConfig):
            message = "its Config must derive from OptimizerConfig"
            raise plugin_error(self._optimizer, message, _OPTIMIZER)
        self._clip_norm, self.learning_rate = config.clip_norm, config.learning_rate
        self._clip_value = config.clip_value if is_common(type(config), "clip_value") else None
        kernels = kernels or NumpyKernels()
        groups = [_Group(self._optimizer, 1.0, kernels)]
        for group in optimizer.groups or ():
            created = plugins.create(optimizer.of_group(group), _OPTIMIZER)
            groups.append(_Group(created, group.rate_factor, kernels))
        chosen = group_of_each(optimizer.groups, params)
        self._group_of = {a: groups[chosen.get(a, -1) + 1] for a in self._params}
        for address, param in self._params.items():
            self._group_of[address].params[address] = param
        self._groups = [group for group in groups if group.params]
        self.renew_slots()

    def check(self) -> None:
        """Try an update on copies of the smallest parameter: its state must keep its layout.

        Raises:
            PluginError: if the optimizer fails, or changes the shape or dtype of its state.
        """
        for group in self._groups:
            self._try_update(group, min(group.params, key=lambda a: group.params[a].size))

    def _try_update(self, group: _Group, address: str) -> None:
        param = self._params[address].copy()
        slots = {name: array.copy() for name, array in self.slots[address].items()}
        before = layout(slots)
        with np.errstate(all="ignore"), PluginErrors(self._optimizer, "update raised", _OPTIMIZER):
            group.update_one(param, np.zeros_like(param), slots, 1, self.learning_rate)
        if problem := layout_problem(before, slots, "update"):
            raise plugin_error(self._optimizer, problem, _OPTIMIZER)

    def renew_slots(self) -> None:
        """Initialize the optimizer's state for the parameters as they are now."""
        with PluginErrors(self._optimizer, "slots raised", _OPTIMIZER):
            self.slots = {
                address: self._group_of[address].optimizer.slots(param)
                for address, param in self._params.items()
            }
        for address, slots in self.slots.items():
            group = f"{SLOTS}{address}"
            if problem := state_problem(slots, "slots", group, finite=True, writable=True):
                raise plugin_error(self._optimizer, problem, _OPTIMIZER)

    def update(self, gradients: Mapping[str, Array], step: int, rate: float) -> None:
        """Update every trainable parameter.

        Args:
            gradients: Mean gradient of each parameter, by address.
            step: Number of earlier updates with this state; plugins count from 1.
            rate: The learning rate.

        Raises:
            PluginError: if the optimizer raises an exception.
        """
        with PluginErrors(self._optimizer, "update raised", _OPTIMIZER):
            clip = self._clip(gradients)
            for group in self._groups:
                group.update(gradients, self.slots, step + 1, rate, clip)

    def _clip(self, gradients: Mapping[str, Array]) -> Callable[[Array], Array] | None:
        """Return a function that clips one of the gradients; None if none needs it."""
        if self._clip_norm is None and self._clip_value is None:
            return None
        if self._clip_value is not None:
            return partial(np.clip, a_min=-self._clip_value, a_max=self._clip_value)
        scale = self._clip_scale(gradients)
        return None if scale is None else partial(np.multiply, scale)

    def _clip_scale(self, gradients: Mapping[str, Array]) -> float | None:
        """Return the factor that clips the norm of all gradients together; None if it is 1."""
        limit = self._clip_norm
        if limit is None:
            return None
        # In float64, where squares of float32 do not overflow; and not as a product of BLAS, which
        # rounds differently on another number of threads.
        squares = (np.square(gradients[a], dtype=np.float64).sum() for a in self._params)
        norm = math.sqrt(math.fsum(squares))
        return limit / norm if norm > limit else None
