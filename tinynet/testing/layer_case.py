"""One layer class with one config: building it, drawing its inputs, and running a pass."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinynet.config import Config
from tinynet.kernels.random import derive
from tinynet.layer import Buffered
from tinynet.layer.context import Context
from tinynet.registry import default
from tinynet.testing.arrays import Arrays, is_float, owned, spread
from tinynet.testing.configs import Options, make_config
from tinynet.testing.layer_passes import (
    Outputs,
    backward,
    forward,
    named_outputs,
    output_shapes,
)
from tinynet.testing.masks import draw_mask
from tinynet.testing.stand_ins import RecordingBuild, StrictContext
from tinynet.types import Array, Shape


@dataclass(frozen=True)
class LayerCase:
    """The subject of `check_layer`.

    Attributes:
        layer_class: The class.
        options: Its config, or the options of one.
        in_shapes: Shape of one sample of each input.
        inputs: Samples to draw each input from, (M, *in_shape); None for any real numbers.
        masks: Numbers of the inputs that are masks (N, T), each with the number of the input
            (N, T, ...) whose time steps it masks.
        dtypes: The dtypes that the layer computes in.
        batch: Samples in a pass.
        seed: The seed of everything that the kit draws.
    """

    layer_class: type[Any]
    options: Options
    in_shapes: tuple[Shape, ...]
    inputs: tuple[Array, ...] | None
    masks: Mapping[int, int]
    dtypes: tuple[str, ...]
    batch: int
    seed: int

    @cached_property
    def config(self) -> Config:
        return make_config(self.layer_class, self.options)

    def new_build(self, dtype: DTypeLike = "float64", dry: bool = False) -> RecordingBuild:
        return RecordingBuild(
            node="layer",
            dtype=np.dtype(dtype),
            seed=self.seed,
            dry=dry,
            create=default().create,
        )

    def construct(self, build: RecordingBuild) -> Any:
        """Return the layer with the values of its initializers."""
        return self.layer_class(self.config, self.in_shapes, build)

    def layer(self, dtype: DTypeLike = "float64") -> Any:
        """Return the layer with slightly changed parameters, so that a bias of 0 hides no fault."""
        layer = self.construct(self.new_build(dtype))
        for name, param in layer.params.items():
            param += derive("moved", self.seed, name).uniform(-0.1, 0.1, param.shape)
        return layer

    def trained(self, dtype: DTypeLike = "float64") -> Any:
        """Return the layer after a few training passes, with updated buffers."""
        layer = self.layer(dtype)
        commits = isinstance(layer, Buffered)
        if commits:
            for variant in range(3):
                _, cache = layer.forward(self.context(True), *self.draw(dtype, variant=variant))
                layer.commit(cache)
        return layer

    def draw(
        self,
        dtype: DTypeLike = "float64",
        *,
        variant: int = 0,
        batch: int | None = None,
        scale: float = 2.0,
    ) -> tuple[Array, ...]:
        """Return inputs, (N, *in_shape) each; equal arguments give equal inputs."""
        count = self.batch if batch is None else batch
        rng = derive("inputs", self.seed, variant)
        if self.inputs is None:
            drawn = spread(rng, [(count, *shape) for shape in self.in_shapes], dtype, scale)
        else:
            rows = rng.integers(len(self.inputs[0]), size=count)
            drawn = tuple(self._cast(np.asarray(samples)[rows], dtype) for samples in self.inputs)
        return tuple(
            self._draw_mask(index, variant, x, dtype) if index in self.masks else x
            for index, x in enumerate(drawn)
        )

    def _cast(self, samples: Array, dtype: DTypeLike) -> Array:
        """Return samples as the network passes them: in its dtype, unless they stay integers."""
        asks = getattr(self.layer_class, "integer_inputs", False)
        return owned(samples if asks and not is_float(samples) else samples.astype(dtype))

    def _draw_mask(self, index: int, variant: int, like: Array, dtype: DTypeLike) -> Array:
        rng = derive("mask", self.seed, variant, index)
        return owned(draw_mask(rng, *like.shape).astype(dtype))

    def dy(self, layer: Any, dtype: DTypeLike = "float64", *, batch: int | None = None) -> Outputs:
        """Return a gradient of each output, (N, *out_shape)."""
        count = self.batch if batch is None else batch
        rng = derive("dy", self.seed)
        return tuple(
            owned(rng.standard_normal((count, *shape)).astype(dtype))
            for shape in output_shapes(layer).values()
        )

    def context(self, training: bool, **changes: Any) -> StrictContext:
        """Return the context of one pass; its key is always the same unless ``changes`` has one."""
        key = {"seed": self.seed, "step": 7, "node": "layer"}
        return StrictContext(training=training, **{**key, **changes})

    def with_gradient(self, index: int, x: Array) -> bool:
        """Return True if input number ``index`` has a gradient: real numbers, but no mask."""
        return is_float(x) and index not in self.masks

    def outcome(
        self, layer: Any, ctx: Context, *, variant: int = 0, batch: int | None = None
    ) -> Arrays:
        """Return outputs and gradients of one pass over newly drawn float64 inputs."""
        inputs = self.draw(variant=variant, batch=batch)
        return outcome(layer, ctx, inputs, self.dy(layer, batch=batch))

    def output(self, layer: Any, ctx: Context, *, variant: int = 0) -> Arrays:
        """Return the outputs alone, over newly drawn float64 inputs."""
        outputs, _ = forward(layer, ctx, self.draw(variant=variant))
        return named_outputs(layer, tuple(map(np.array, outputs)))


def outcome(layer: Any, ctx: Context, inputs: tuple[Array, ...], dy: Outputs) -> Arrays:
    """Return outputs and gradients of one pass, copied, by their names in messages."""
    outputs, cache = forward(layer, ctx, inputs)
    outputs = tuple(map(np.array, outputs))
    gradients = named_gradients(backward(layer, ctx, cache, dy))
    return {**named_outputs(layer, outputs), **gradients}


def named_gradients(returned: tuple[tuple[Array | None, ...], Mapping[str, Array]]) -> Arrays:
    """Return the gradients of `backward`, copied, by the names in messages."""
    of_inputs, of_params = returned
    named = {f"the gradient of input {index}": dx for index, dx in enumerate(of_inputs)}
    named |= {f"the gradient of {name}": grad for name, grad in of_params.items()}
    return {name: np.array(grad) for name, grad in named.items() if grad is not None}


def buffers(layer: Any) -> Arrays:
    """Return the layer's buffers, of which most layers have none."""
    held: Arrays = getattr(layer, "buffers", {})
    return held


def mode(training: bool) -> str:
    """Return the mode of a pass as messages name it."""
    return "training" if training else "evaluation"
