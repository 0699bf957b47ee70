"""Construction of the network of a whole spec, with its losses."""

from collections.abc import Mapping

from tinynet.kernels import Kernels
from tinynet.layer.build import MAX_PARAMS
from tinynet.network.network import Network
from tinynet.spec.models import Spec
from tinynet.types import Shape


def network_from_spec(
    spec: Spec,
    data_shapes: Mapping[str, Shape] | None = None,
    *,
    dry: bool = False,
    max_params: int = MAX_PARAMS,
    kernels: Kernels | None = None,
) -> Network:
    """Build the network that a spec trains.

    Args:
        spec: The spec.
        data_shapes: The shape of one sample of each input of the data, by name; used if the spec
            has no ``input_shape``.
        dry: Infer shapes and count parameters, but allocate nothing.
        max_params: The largest number of elements of parameters and buffers.
        kernels: The kernels to compute with; by default those installed.

    Raises:
        SpecError: for a spec that is wrong, or needs more than ``max_params`` elements.
        ShapeError: listing every node that its inputs do not fit.
        PluginError: for a layer that is missing or broken.
    """
    shape = spec.network.input_shape
    return Network(
        spec.network,
        data_shapes if shape is None else shape,
        seed=spec.training.seed,
        loss=spec.training.loss,
        trainable=spec.training.trainable,
        dry=dry,
        max_params=max_params,
        kernels=kernels,
    )
