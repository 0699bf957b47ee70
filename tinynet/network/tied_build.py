"""Construction of a layer that uses parameters of other layers as its own: tied weights."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from tinynet.engine.node import TiedParam
from tinynet.errors import PluginError, ShapeError
from tinynet.layer import Layer
from tinynet.layer.build import Build, InitializerLike
from tinynet.types import Array, Shape


@dataclass(kw_only=True)
class TyingBuild(Build):
    """A build that returns arrays of other layers for some parameters, and new ones for the rest.

    Attributes:
        tied: The parameters of other layers, by their names in the new layer.
    """

    tied: Mapping[str, TiedParam]

    @classmethod
    def of(cls, build: Build, tied: Mapping[str, TiedParam]) -> "TyingBuild":
        """Return a build with the settings of another."""
        settings = {field.name: getattr(build, field.name) for field in fields(build)}
        return cls(**settings, tied=tied)

    def param(
        self,
        name: str,
        shape: Shape,
        initializer: InitializerLike,
        *,
        fan_in: int | None = None,
        fan_out: int | None = None,
    ) -> Array:
        """Return a parameter; see `Build.param`.

        Raises:
            ShapeError: if the parameter of the other layer has another shape.
        """
        shared = self.tied.get(name)
        if shared is None:
            return super().param(name, shape, initializer, fan_in=fan_in, fan_out=fan_out)
        array = _as_used(shared)
        if array.shape != shape:
            remedy = ""
            if array.shape == shape[::-1]:
                address = shared.address if shared.transposed else f"{shared.address}.T"
                remedy = f"; share '{address}', its transpose"
            raise ShapeError(
                f"{name} has the shape {shape} here, but {shared.address} has the shape"
                f" {array.shape}{remedy}"
            )
        return array


def _as_used(shared: TiedParam) -> Array:
    return shared.array.T if shared.transposed else shared.array


def require_tied(who: str, layer: Layer, tied: Mapping[str, TiedParam]) -> None:
    """Require a layer to use the parameters of other layers that it was built with.

    Raises:
        ShapeError: if it has no parameter of a name.
        PluginError: if it keeps a copy, so that training would change only one of the layers.
    """
    for name, shared in tied.items():
        if name not in layer.params:
            params = ", ".join(layer.params) or "none"
            raise ShapeError(f"it has no parameter {name!r} to share; its parameters are: {params}")
        if not np.shares_memory(layer.params[name], shared.array):
            raise PluginError(
                f"{who}: it cannot share {name!r}, because it does not keep the array that"
                " build.param returned"
            )
