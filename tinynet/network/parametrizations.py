"""The parametrized parameters of a network: those that are computed from other arrays."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinynet import registry
from tinynet.archive.header import tensor_problem
from tinynet.engine.layer_calls import described
from tinynet.engine.node import Node
from tinynet.engine.tensor_names import BUFFERS
from tinynet.errors import PluginError, Problem, ShapeError, SpecError
from tinynet.kernels.random import derive
from tinynet.layer.build import Build
from tinynet.network.address_patterns import chosen_weights
from tinynet.network.shared_build import arrays_of
from tinynet.parametrization import Iterated, Parametrization
from tinynet.spec.network_spec import ParametrizationReference
from tinynet.text.plugin_errors import PluginErrors, plugin_error
from tinynet.text.wording import quote
from tinynet.types import Array, Shape

POINTER = "/network/parametrizations"


@dataclass(frozen=True)
class Parametrized:
    """A parameter that is computed from other arrays.

    Attributes:
        address: Its address.
        array: The array that its layer computes with; it is filled in place.
        parametrization: The function.
        pointer: JSON pointer to the parametrization.
        build: The source of arrays of its node.
        params: The trained arrays, by their names in the parametrization.
        buffers: The arrays of an iteration, likewise.
    """

    address: str
    array: Array
    parametrization: Parametrization
    pointer: str
    build: Build
    params: dict[str, Array] = field(default_factory=dict)
    buffers: dict[str, Array] = field(default_factory=dict)

    def address_of(self, name: str) -> str:
        """Return the address of one of its arrays: that of ``g`` is ``dense_1/weight_g``."""
        return f"{self.address}_{name}" if name else self.address

    def allocate(self) -> None:
        """Create its arrays from the parameter as it was initialized, and fill it."""
        shapes = self._call("shapes", self.array.shape)
        shapes = self._checked_shapes("shapes", shapes)
        given = self._call("params_of", self.array) if not self.build.dry else {}
        self._create(self.params, shapes, given, "params_of")
        if isinstance(self.parametrization, Iterated):
            shapes = self._call("buffer_shapes", self.array.shape)
            shapes = self._checked_shapes("buffer_shapes", shapes)
            given = self._initial_buffers() if not self.build.dry else {}
            self._create(self.buffers, shapes, given, "initial_buffers")
        if not self.build.dry:
            self.fill()

    def fill(self) -> None:
        """Compute the parameter."""
        value = self._call("value", self.params, self.buffers)
        self._check_array("value", quote(self.address), value, self.array.shape)
        np.copyto(self.array, value)

    def gradients(self, gradient: Array) -> dict[str, Array]:
        """Return the gradients of the trained arrays, by address, from that of the parameter."""
        returned = self._call("gradients", self.params, self.buffers, gradient)
        self._check_names("gradients", returned, self.params)
        for name, array in self.params.items():
            self._check_array("gradients", self._described(name), returned[name], array.shape)
        return {self.address_of(name): returned[name] for name in self.params}

    def advance(self) -> None:
        """Follow an update of the trained arrays."""
        if isinstance(self.parametrization, Iterated):
            self._call("advance", self.params, self.buffers)
        self.fill()

    def adopt(self) -> None:
        """Set its arrays to those of the parameter, which was set from outside."""
        given = self._call("params_of", self.array)
        for name, array in self.params.items():
            np.copyto(array, given[name])
        self.restart()

    def restart(self) -> None:
        """Set the arrays of the iteration to those of a new network."""
        if isinstance(self.parametrization, Iterated):
            for name, array in self._initial_buffers().items():
                np.copyto(self.buffers[name], array)

    def check(self) -> None:
        """Call each method that training needs on copies."""
        params, buffers = (
            {name: array.copy() for name, array in arrays.items()}
            for arrays in (self.params, self.buffers)
        )
        tried = Parametrized(
            self.address, self.array.copy(), self.parametrization, self.pointer, self.build,
            params, buffers,
        )  # fmt: skip
        tried.gradients(np.ones_like(self.array))
        tried.advance()

    def _initial_buffers(self) -> Any:
        rng = derive("parametrization", self.build.seed, self.address)
        return self._call("initial_buffers", self.params, rng)

    def _create(
        self, arrays: dict[str, Array], shapes: Mapping[str, Shape], given: Any, method: str
    ) -> None:
        if not self.build.dry:
            self._check_names(method, given, shapes)
        for name, shape in shapes.items():
            if not self.build.dry:
                self._check_array(method, self._described(name), given[name], shape)
            local = self.address_of(name).removeprefix(f"{self.build.node}/")
            fill = _Given(None if self.build.dry else given[name])
            arrays[name] = self.build.param(local, shape, fill)
            if problem := tensor_problem(f"{BUFFERS}{self.address_of(name)}", arrays[name]):
                raise self._error(problem)

    def _call(self, method: str, *args: Any) -> Any:
        try:
            with PluginErrors(self.parametrization, f"{method} raised", self.pointer):
                return getattr(self.parametrization, method)(*args)
        except (ShapeError, SpecError) as error:
            message = f"{quote(self.address)}: {error}"
            raise type(error)([Problem(message, self.pointer)]) from error

    def _checked_shapes(self, method: str, shapes: Any) -> dict[str, Shape]:
        is_dict = isinstance(shapes, Mapping) and all(isinstance(name, str) for name in shapes)
        if not is_dict or not all(isinstance(shape, tuple) for shape in shapes.values()):
            raise self._error(f"{method} must return a dict of shapes; it returned {shapes!r:.100}")
        return dict(shapes)

    def _check_names(self, method: str, returned: Any, names: Collection[str]) -> None:
        if not isinstance(returned, Mapping) or returned.keys() != set(names):
            what = sorted(returned) if isinstance(returned, Mapping) else described(returned)
            message = f"{method} must return a dict with the arrays {sorted(names)}"
            raise self._error(f"{message}; it returned {what}")

    def _check_array(self, method: str, what: str, array: Any, shape: Shape) -> None:
        dtype = self.array.dtype
        if getattr(array, "shape", None) != shape or array.dtype != dtype:
            actual = described(array)
            if getattr(array, "shape", None) == shape:
                actual = f"of {array.dtype}"
            message = f"{method} must return an array of shape {shape} and {dtype} for"
            raise self._error(f"{message} {what}; it is {actual}")

    def _described(self, name: str) -> str:
        return f"{name!r} of {quote(self.address)}"

    def _error(self, message: str) -> PluginError:
        return plugin_error(self.parametrization, message, self.pointer)


@dataclass(frozen=True)
class _Given:
    """An initializer that returns given values."""

    values: Any

    def __call__(self, *args: Any) -> Any:
        return self.values


class Parametrizations:
    """The parametrized parameters of a network, in the order of their addresses."""

    def __init__(
        self,
        specs: Sequence[ParametrizationReference],
        nodes: Mapping[str, Node],
        build: Callable[[str], Build],
    ) -> None:
        """Create the arrays.

        Args:
            specs: The parametrizations of the spec.
            nodes: The nodes by name, whose layers hold initial values.
            build: Returns the source of arrays of a node, by its name.

        Raises:
            SpecError: for a pattern that matches nothing, for a parameter with two
                parametrizations, or the address of an array that another one has; and if the
                limit of elements is exceeded.
            ShapeError: for a parameter that a parametrization does not take.
            PluginError: if a parametrization is missing or broken.
        """
        self._all: dict[str, Parametrized] = {}
        self._frozen: frozenset[str] = frozenset()
        if not specs:
            return
        owners = [node for node in nodes.values() if node.owner == node.name]
        arrays = {node.address(name): a for node in owners for name, a in node.own_params.items()}
        owner_of = {node.address(name): node.name for node in owners for name in node.own_params}
        found: dict[str, Parametrized] = {}
        for index, spec in enumerate(specs):
            pointer = f"{POINTER}/{index}"
            parametrization = registry.default().create(spec, pointer)
            addresses = sorted(chosen_weights(arrays, spec.params, pointer))
            _require_new(addresses, found, pointer)
            for address in addresses:
                source = build(owner_of[address])
                found[address] = Parametrized(
                    address, arrays[address], parametrization, pointer, source
                )
        self._all = dict(sorted(found.items()))
        taken = {f"{node.name}/{name}" for node in owners for name in arrays_of(node.layer)}
        for parametrized in self._all.values():
            with np.errstate(all="ignore"):
                parametrized.allocate()
            _require_free(parametrized, taken)

    def __bool__(self) -> bool:
        return bool(self._all)

    def addresses(self, address: str) -> tuple[str, ...]:
        """Return the addresses of the trained arrays of a parameter; by default its own."""
        if (found := self._all.get(address)) is None:
            return (address,)
        return tuple(found.address_of(name) for name in found.params)

    def params(self, address: str, array: Array) -> dict[str, Array]:
        """Return the trained arrays of a parameter by address; by default its own array."""
        if (found := self._all.get(address)) is None:
            return {address: array}
        return {found.address_of(name): own for name, own in found.params.items()}

    @property
    def buffers(self) -> dict[str, Array]:
        """The arrays of iterations, by address."""
        return {
            one.address_of(name): array
            for one in self._all.values()
            for name, array in one.buffers.items()
        }

    def freeze_all_but(self, chosen: Collection[str]) -> None:
        """Freeze the trained arrays whose addresses are not chosen."""
        own = {address for address in self._all for address in self.addresses(address)}
        self._frozen = frozenset(own.difference(chosen))

    def trained(self, params: Iterable[str]) -> Iterator[str]:
        """Yield the addresses of the arrays that training changes, from those of parameters."""
        for address in params:
            yield from (a for a in self.addresses(address) if a not in self._frozen)

    def gradients(self, gradients: Mapping[str, Array]) -> Mapping[str, Array]:
        """Return the gradients of the arrays that training changes, from those of parameters."""
        if not self._all:
            return gradients
        mapped: dict[str, Array] = {}
        for address, gradient in gradients.items():
            found = self._all.get(address)
            mapped |= {address: gradient} if found is None else found.gradients(gradient)
        return {a: gradient for a, gradient in mapped.items() if a not in self._frozen}

    def advance(self, trained: frozenset[str]) -> None:
        """Follow an update of the trained arrays, and compute the parameters.

        Args:
            trained: The addresses of the arrays that training changes; parameters of which it
                changes none stay as they are.
        """
        for address, parametrized in self._all.items():
            if not trained.isdisjoint(self.addresses(address)):
                parametrized.advance()

    def fill(self) -> None:
        """Compute the parameters from their arrays, which were set from outside."""
        with np.errstate(all="ignore"):
            for parametrized in self._all.values():
                parametrized.fill()

    def __iter__(self) -> Iterator[Parametrized]:
        return iter(self._all.values())

    @property
    def values(self) -> dict[str, Array]:
        """The arrays of the layers, by addresses that no trained array has."""
        return {a: one.array for a, one in self._all.items() if a not in self.addresses(a)}

    def adopt(self, changed: Collection[str]) -> None:
        """Follow a transfer of values, before `fill`.

        Args:
            changed: The addresses of the arrays that have new values. Where it is the address of a
                parameter in `values`, the trained arrays are set to those of the parameter. Arrays
                of iterations that are not among them start again.

        Raises:
            SpecError: if a parametrization cannot have the value of a parameter.
        """
        values = self.values.keys() & set(changed)
        with np.errstate(all="ignore"):
            for address, one in self._all.items():
                if address in values:
                    one.adopt()
                elif not any(one.address_of(name) in changed for name in one.buffers):
                    one.restart()

    def check(self) -> None:
        """Call each method that training needs on copies.

        Raises:
            PluginError: if a parametrization raises an exception, or returns a wrong value.
        """
        with np.errstate(all="ignore"):
            for parametrized in self._all.values():
                parametrized.check()


def _require_new(
    addresses: Collection[str], found: Mapping[str, Parametrized], pointer: str
) -> None:
    """Require that parameters have no parametrization yet."""
    if twice := [address for address in addresses if address in found]:
        listed = ", ".join(f"{quote(a)} (by {found[a].pointer})" for a in twice)
        remedy = f'exclude it here: "params": [..., "!{twice[0]}"]'
        raise SpecError([Problem(f"already parametrized: {listed}; {remedy}", pointer)])


def _require_free(parametrized: Parametrized, taken: set[str]) -> None:
    """Require that no other array has an address of the new ones, and add those."""
    names = [*parametrized.params, *parametrized.buffers]
    for address in (parametrized.address_of(name) for name in names):
        if address != parametrized.address and address in taken:
            message = f"{quote(parametrized.address)}: the network already has an array"
            remedy = f"exclude the parameter: '!{parametrized.address}'"
            problem = Problem(f"{message} {quote(address)}; {remedy}", parametrized.pointer)
            raise SpecError([problem])
        taken.add(address)
