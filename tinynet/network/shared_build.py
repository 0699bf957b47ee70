"""Construction of a layer for another input shape, with the arrays of an existing layer."""

from collections.abc import Mapping
from dataclasses import dataclass

from tinynet.errors import PluginError, ShapeError
from tinynet.layer import Buffered, Layer
from tinynet.layer.build import Build, InitializerLike
from tinynet.types import Array, Shape


@dataclass(kw_only=True)
class SharedBuild(Build):
    """A build that returns the arrays of another layer instead of new ones.

    Attributes:
        owner: The node that owns that layer.
        arrays: Its parameters and buffers by name.
    """

    owner: str
    arrays: Mapping[str, Array]

    def _array(
        self,
        name: str,
        shape: Shape,
        initializer: InitializerLike,
        fan_in: int | None,
        fan_out: int | None,
    ) -> Array:
        array = self.arrays.get(name)
        if array is None:
            raise ShapeError(
                f"it shares the layer of {self.owner}, which has no {name} of shape {shape}"
            )
        if array.shape != shape:
            raise ShapeError(
                f"it shares the layer of {self.owner}, whose {name} has the shape {array.shape};"
                f" here it would need {shape}"
            )
        return array


def arrays_of(layer: Layer) -> dict[str, Array]:
    """Return the parameters and buffers of a layer by name."""
    return {**layer.params, **(layer.buffers if isinstance(layer, Buffered) else {})}


def require_shared(who: str, layer: Layer, build: SharedBuild) -> None:
    """Require a layer to keep the arrays of its build: the same objects, and all of them.

    Raises:
        ShapeError: if it lacks an array of the other layer.
        PluginError: if it keeps a copy, so that training would change only one of the layers.
    """
    arrays = arrays_of(layer)
    if missing := sorted(build.arrays.keys() - arrays.keys()):
        raise ShapeError(
            f"it shares the layer of {build.owner}, but would not use its {', '.join(missing)}"
        )
    for name, array in arrays.items():
        if array is not build.arrays.get(name):
            raise PluginError(
                f"{who}: it cannot be shared with inputs of another shape, because it does not keep"
                f" the array that build.param or build.buffer returned for {name!r}"
            )
