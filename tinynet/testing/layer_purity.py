"""Checks that a layer is pure: it changes no argument, and keeps nothing of a pass."""

from typing import Any

from tinynet.layer import Buffered
from tinynet.testing.arrays import read_only, require_same_bits
from tinynet.testing.checks import CheckFailed, require
from tinynet.testing.layer_case import LayerCase, buffers, named_gradients
from tinynet.testing.layer_passes import Outputs, backward, forward, named_outputs
from tinynet.testing.state import no_global_randomness, require_unchanged, snapshot, snapshots
from tinynet.types import Array


def pure_forward(case: LayerCase) -> None:
    """`forward` changes neither the layer nor its inputs, which may be read-only."""
    for training in (True, False):
        layer, inputs = case.layer(), case.draw()
        before = {**snapshot(layer, "layer"), **_named(inputs)}
        layer.forward(case.context(training), *inputs)
        after = {**snapshot(layer, "layer"), **_named(inputs)}
        require_unchanged(before, after, "forward")
        _protect(layer)
        try:
            layer.forward(case.context(training), *map(read_only, inputs))
        except ValueError as error:
            finding = f"forward writes to a read-only input or parameter ({error})"
            raise CheckFailed(finding) from error


def pure_backward(case: LayerCase) -> None:
    """`backward` changes neither the layer, nor its cache, nor `dy`, which may be read-only."""
    layer, dy, ctx = case.layer(), case.dy(case.layer()), case.context(True)
    _, cache = layer.forward(ctx, *case.draw())
    before = _everything(layer, cache, dy)
    backward(layer, ctx, cache, dy)
    require_unchanged(before, _everything(layer, cache, dy), "backward")
    _protect(layer)
    try:
        backward(layer, ctx, cache, tuple(map(read_only, dy)))
    except ValueError as error:
        raise CheckFailed(f"backward writes to a read-only dy or parameter ({error})") from error


def repeatable_forward(case: LayerCase) -> None:
    """Two passes of the same key give the same bits: `ctx.rng` is the only source of randomness."""
    layer = case.layer()
    for training in (True, False):
        first = case.output(layer, case.context(training))
        second = case.output(layer, case.context(training))
        require_same_bits(first, second, "in a second pass of the same key")


def repeatable_backward(case: LayerCase) -> None:
    """A second `backward` with the same cache gives the same bits."""
    layer, ctx = case.layer(), case.context(True)
    _, cache = layer.forward(ctx, *case.draw())
    first = named_gradients(backward(layer, ctx, cache, case.dy(layer)))
    second = named_gradients(backward(layer, ctx, cache, case.dy(layer)))
    require_same_bits(first, second, "in a second backward with the same cache")


def interleaved_passes(case: LayerCase) -> None:
    """Forward A, forward B, backward A, backward B is the same as one pass after the other."""
    layer = case.layer()
    alone = [case.outcome(layer, case.context(True), variant=variant) for variant in (0, 1)]
    contexts = [case.context(True), case.context(True)]
    passes = [forward(layer, ctx, case.draw(variant=v)) for v, ctx in enumerate(contexts)]
    for variant, (ctx, (outputs, cache)) in enumerate(zip(contexts, passes, strict=True)):
        together = named_gradients(backward(layer, ctx, cache, case.dy(layer)))
        require_same_bits(
            alone[variant],
            {**named_outputs(layer, outputs), **together},
            "with another pass between forward and backward",
        )


def global_randomness(case: LayerCase) -> None:
    """The global random generators are not changed."""
    with no_global_randomness("the layer"):
        layer = case.layer()
        case.outcome(layer, case.context(True))
        case.outcome(layer, case.context(False))


def evaluation_draws_nothing(case: LayerCase) -> None:
    """`ctx.rng` is not used outside of training."""
    layer = case.layer()
    case.output(layer, case.context(False, forbidden="ctx.rng is drawn from in evaluation mode"))


def backward_draws_nothing(case: LayerCase) -> None:
    """Only `forward` may use `ctx.rng`: the cache holds the random numbers for `backward`."""
    layer, ctx = case.layer(), case.context(True)
    _, cache = layer.forward(ctx, *case.draw())
    ctx.forbidden = "backward draws from ctx.rng; keep what forward drew in the cache"
    backward(layer, ctx, cache, case.dy(layer))


def hidden_state(case: LayerCase) -> None:
    """Training passes keep no state outside params and buffers, since nothing else is saved."""
    layer = case.layer()
    before = case.output(layer, case.context(False))
    for variant in (1, 2, 3):
        case.outcome(layer, case.context(True), variant=variant)
    after = case.output(layer, case.context(False))
    require_same_bits(before, after, "in evaluation after three training passes")
    fresh = case.output(case.layer(), case.context(False))
    require_same_bits(fresh, after, "compared with a fresh layer of the same parameters")


def commit_changes_buffers(case: LayerCase) -> None:
    """A layer with buffers has `commit`, which changes them in place, and nothing else."""
    layer, ctx = case.layer(), case.context(True)
    if not buffers(layer):
        return
    require(isinstance(layer, Buffered), "there are buffers, and no method commit(cache)")
    held = dict(layer.buffers)
    _, cache = layer.forward(ctx, *case.draw())
    before = _without_buffers(layer)
    layer.commit(cache)
    require_unchanged(before, _without_buffers(layer), "commit")
    for name, array in held.items():
        require(
            layer.buffers.get(name) is array,
            f"commit replaces buffers[{name!r}] instead of changing it in place",
        )
    other = case.layer()
    cache = other.forward(case.context(True), *case.draw())[1]
    other.forward(case.context(True), *case.draw(variant=1))
    other.commit(cache)
    require_same_bits(held, other.buffers, "after commit, with another forward before it")


def _named(inputs: tuple[Array, ...]) -> dict[str, Any]:
    return {f"input {i}": (x.shape, x.tobytes()) for i, x in enumerate(inputs)}


def _everything(layer: object, cache: object, dy: Outputs) -> dict[str, Any]:
    return snapshots(layer=layer, cache=cache, dy=dy)


def _without_buffers(layer: Any) -> dict[str, Any]:
    leaves = snapshot(layer, "layer")
    return {path: leaf for path, leaf in leaves.items() if ".buffers[" not in path}


def _protect(layer: Any) -> None:
    for array in (*layer.params.values(), *buffers(layer).values()):
        array.flags.writeable = False
