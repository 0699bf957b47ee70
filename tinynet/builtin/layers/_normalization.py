"""The base of the normalization layers: the affine map after the normalization."""

from pydantic import Field

from tinynet.layer import Array, Build, InitializerReference, LayerConfig, Shape


class NormConfig(LayerConfig):
    """Parameters of every normalization node."""

    epsilon: float = Field(default=1e-5, gt=0, description="Added to the variance.")
    center: bool = Field(default=True, description="True to add a learned `beta`.")
    scale: bool = Field(default=True, description="True to multiply by a learned `gamma`.")
    beta_initializer: InitializerReference = Field(
        default=InitializerReference(type="zeros"), description="Initializer of `beta`."
    )
    gamma_initializer: InitializerReference = Field(
        default=InitializerReference(type="ones"), description="Initializer of `gamma`."
    )


def affine_params(config: NormConfig, shape: Shape, build: Build) -> dict[str, Array]:
    """Return ``gamma`` and ``beta``, without those that the config leaves out."""
    params = {}
    if config.scale:
        params["gamma"] = build.param("gamma", shape, config.gamma_initializer)
    if config.center:
        params["beta"] = build.param("beta", shape, config.beta_initializer)
    return params
