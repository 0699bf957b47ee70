"""Checks of a layer's structure: its config, arrays, shapes and dtypes."""

from tinynet.layer import Costed, LayerConfig
from tinynet.testing.arrays import require_array, require_same_bits
from tinynet.testing.checks import CheckFailed, require
from tinynet.testing.configs import require_config
from tinynet.testing.layer_case import LayerCase, buffers
from tinynet.testing.layer_passes import backward, forward, is_differentiable, output_shapes
from tinynet.types import Shape


def config(case: LayerCase) -> None:
    """Options are validated, described, frozen, and none has a name that specs reserve."""
    require_config(case.layer_class, case.options, LayerConfig)


def arrays_from_build(case: LayerCase) -> None:
    """`params` and `buffers` hold all arrays from `build`, under the same names."""
    build = case.new_build()
    layer = case.construct(build)
    for attribute, held, made in (
        ("params", layer.params, build.made_params),
        ("buffers", buffers(layer), build.made_buffers),
    ):
        require(isinstance(held, dict), f"{attribute} is a {type(held).__name__}, not a dict")
        for name in made:
            require(name in held, f"{name!r} came from the build and is not in {attribute}")
        for name, array in held.items():
            require(
                array is made.get(name),
                f"{attribute}[{name!r}] is not the array that build.{attribute[:-1]}({name!r})"
                " returned",
            )


def dry_build(case: LayerCase) -> None:
    """A dry build, in which arrays have no values, gives a layer with the same shapes."""
    dry, real = case.construct(case.new_build(dry=True)), case.construct(case.new_build())
    require(
        dry.out_shape == real.out_shape,
        f"out_shape is {dry.out_shape} in a dry build and {real.out_shape} in a real one",
    )
    # The order of several outputs counts, and two dicts of another order are equal.
    declared, declared_dry = (repr(getattr(one, "out_shapes", None)) for one in (real, dry))
    require(
        declared_dry == declared,
        f"out_shapes is {declared_dry} in a dry build and {declared} in a real one",
    )
    shapes = {name: array.shape for name, array in {**dry.params, **buffers(dry)}.items()}
    for name, array in {**real.params, **buffers(real)}.items():
        require(
            shapes.get(name) == array.shape,
            f"{name} has shape {shapes.get(name)} in a dry build and {array.shape} in a real one",
        )


def repeatable_build(case: LayerCase) -> None:
    """Two layers built from the same seed give the same bits."""
    first, second = (case.construct(case.new_build()) for _ in range(2))
    require_same_bits(
        {**first.params, **buffers(first)},
        {**second.params, **buffers(second)},
        "built again from the same seed",
    )
    for training in (True, False):
        require_same_bits(
            case.output(first, case.context(training)),
            case.output(second, case.context(training)),
            "built again from the same seed",
        )


def out_shape(case: LayerCase) -> None:
    """`out_shape` is the shape of a sample of the output, for a batch of any size."""
    layer = case.layer()
    shape: Shape = layer.out_shape
    require(
        isinstance(shape, tuple) and all(type(size) is int for size in shape),
        f"out_shape is {shape!r}, not a tuple of Python integers",
    )
    for batch in (case.batch, case.batch + 3):
        for training in (True, False):
            outputs, _ = forward(layer, case.context(training), case.draw(batch=batch))
            for (name, expected), y in zip(output_shapes(layer).items(), outputs, strict=True):
                require_array(y, name, (batch, *expected), None)


def gradient_structure(case: LayerCase) -> None:
    """`backward` returns one gradient for each input and parameter, in its shape."""
    layer, inputs = case.layer(), case.draw()
    if not is_differentiable(layer):
        require(
            not layer.params,
            f"differentiable is False, but there are params, which get no gradient:"
            f" {_names(layer.params)}",
        )
        return
    ctx = case.context(True)
    _, cache = forward(layer, ctx, inputs)
    returned = backward(layer, ctx, cache, case.dy(layer))
    require(
        isinstance(returned, tuple) and len(returned) == 2,
        "backward does not return a pair (gradients of inputs, gradients of parameters)",
    )
    of_inputs, of_params = returned
    require(
        isinstance(of_inputs, tuple) and len(of_inputs) == len(inputs),
        f"backward returns {_count(of_inputs)} for inputs; a tuple of {len(inputs)} is due",
    )
    for index, (x, dx) in enumerate(zip(inputs, of_inputs, strict=True)):
        if dx is not None:
            require_array(dx, f"the gradient of input {index}", x.shape, None)
        elif case.with_gradient(index, x):
            raise CheckFailed(f"the gradient of input {index} is None, though it is wanted")
    require(
        isinstance(of_params, dict) and of_params.keys() == layer.params.keys(),
        f"backward returns gradients of {_names(of_params)}; params are {_names(layer.params)}",
    )
    for name, param in layer.params.items():
        require_array(of_params[name], f"the gradient of {name}", param.shape, None)


def dtypes(case: LayerCase) -> None:
    """A float32 layer computes in float32 throughout, a float64 layer in float64."""
    for dtype in case.dtypes:
        layer, inputs = case.trained(dtype), case.draw(dtype)
        for name, array in {**layer.params, **buffers(layer)}.items():
            require_array(array, f"in {dtype}, {name}", None, dtype)
        for training in (True, False):
            ctx = case.context(training)
            outputs, cache = forward(layer, ctx, inputs)
            for name, y in zip(output_shapes(layer), outputs, strict=True):
                require_array(y, f"in {dtype}, {name}", None, dtype)
            of_inputs, of_params = backward(layer, ctx, cache, case.dy(layer, dtype))
            for index, dx in enumerate(of_inputs):
                if dx is not None:
                    require_array(dx, f"in {dtype}, the gradient of input {index}", None, dtype)
            for name, grad in of_params.items():
                require_array(grad, f"in {dtype}, the gradient of {name}", None, dtype)


def cost(case: LayerCase) -> None:
    """A layer with `cost` returns two counts, also in a dry build."""
    dry, real = case.construct(case.new_build(dry=True)), case.construct(case.new_build())
    if not isinstance(real, Costed):
        return
    counts = real.cost()
    require(
        isinstance(counts, tuple) and len(counts) == 2 and all(_is_count(n) for n in counts),
        f"cost() is {counts!r}, not (operations, bytes)",
    )
    require(dry.cost() == counts, f"cost() is {dry.cost()} in a dry build instead of {counts}")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and value >= 0


def _count(value: object) -> str:
    return f"{len(value)} gradients" if isinstance(value, tuple) else f"a {type(value).__name__}"


def _names(value: object) -> str:
    return str(sorted(value)) if isinstance(value, dict) else f"a {type(value).__name__}"
