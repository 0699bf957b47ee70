"""Checks of a layer in the engine: skipped gradients, no cache, reused memory, saved runs."""

from collections.abc import Iterable
from typing import Any

from tinynet.engine.replay import FIRST_PASSES, Computation, Replay
from tinynet.kernels.memory import Workspace
from tinynet.layer import Array, Buffered, Context, Needs
from tinynet.testing.arrays import Arrays, require_close, require_same_bits
from tinynet.testing.checks import CheckFailed
from tinynet.testing.layer_case import LayerCase, buffers
from tinynet.testing.layer_passes import backward, output_shapes
from tinynet.testing.recording_kernels import RecordingKernels
from tinynet.testing.saving import saved_and_loaded
from tinynet.testing.stand_ins import PoisonedWorkspace

RATE = 0.01


def needs_honoured(case: LayerCase) -> None:
    """A gradient does not depend on which other gradients are needed."""
    layer = case.layer()
    whole = case.outcome(layer, case.context(True))
    count = len(case.in_shapes)
    nothing = tuple(False for _ in range(count))
    cases = [Needs(nothing, frozenset())]
    cases += [Needs(nothing, frozenset({name})) for name in layer.params]
    cases += [Needs(tuple(i == index for i in range(count)), frozenset()) for index in range(count)]
    for needs in cases:
        part = case.outcome(layer, case.context(True, needs=needs))
        due = _needed(whole, needs, set(output_shapes(layer)))
        require_close(
            {name: whole[name] for name in due},
            {name: part[name] for name in due if name in part},
            f"when {_listed(due)} is wanted",
        )


def keep_false(case: LayerCase) -> None:
    """Without a cache the output is the same."""
    layer = case.trained()
    for training in (True, False):
        require_close(
            case.output(layer, case.context(training)),
            case.output(layer, case.context(training, keep=False)),
            "with keep=False",
        )


def recycled_memory(case: LayerCase) -> None:
    """Memory from `ctx.empty` is written before it is read, and not used after the pass."""
    layer, clean, workspace = case.trained(), case.trained(), PoisonedWorkspace()
    for training in (True, False):
        for variant in (0, 1, 0):
            right = case.outcome(clean, case.context(training), variant=variant)
            ctx = case.context(training, workspace=workspace)
            result = case.outcome(layer, ctx, variant=variant)
            workspace.reset()
            require_close(right, result, "where ctx.empty hands out used memory, full of NaN")
    if callable(getattr(layer, "commit", None)):
        for one, memory in ((clean, None), (layer, workspace)):
            cache = one.forward(case.context(True, workspace=memory), *case.draw())[1]
            workspace.reset()
            one.commit(cache)
        when = "after a commit, which comes when memory from ctx.empty is in use again"
        require_close(buffers(clean), buffers(layer), when)


def replayed(case: LayerCase) -> None:
    """A replayable layer computes by kernels alone, and by the same ones in every pass.

    A layer with running statistics is replayed outside of training alone.
    """
    if not getattr(case.layer_class, "replayable", False) or len(case.in_shapes) != 1:
        return
    layer, workspace, kernels = case.layer(), Workspace(), RecordingKernels()
    training = not isinstance(layer, Buffered)
    computation = Computation(
        lambda ctx: [ctx],
        lambda contexts, x: _forward(layer, contexts[0], x),
        lambda cache, dy: _backward(layer, cache, dy),
        kernels.recording,
    )
    replay = Replay(computation, keep=True)
    for step in range(FIRST_PASSES + 4):
        workspace.reset()
        (x,), (dy,) = case.draw(variant=step), case.dy(layer)
        ctx = case.context(training, step=step, kernels=kernels, workspace=workspace)
        y, cache = replay.forward(ctx, x)
        results = _named(y, *replay.backward(cache, dy))
        y, cache = _forward(layer, case.context(training, step=step), x)
        require_same_bits(_named(y, *_backward(layer, cache, dy)), results, "when replayed")
    if not replay.ready:
        raise CheckFailed(
            "it declares replayable = True, but forward or backward computes something besides"
            " calls of ctx.kernels and views, or draws random numbers otherwise than by ctx.uniform"
        )


def _named(y: Array, dx: Array | None, gradients: Arrays) -> Arrays:
    named = {"the output": y, **{f"the gradient of {n}": g for n, g in gradients.items()}}
    return named if dx is None else {**named, "the gradient of input 0": dx}


def _forward(layer: Any, ctx: Context, x: Array) -> tuple[Array, Any]:
    y, cache = layer.forward(ctx, x)
    return y, (ctx, cache)


def _backward(layer: Any, cache: Any, dy: Array) -> Any:
    ctx, inner = cache
    (dx,), gradients = layer.backward(ctx, inner, dy)
    return dx, gradients


def archive_round_trip(case: LayerCase) -> None:
    """Saved and loaded into a new layer, params and buffers give the same bits."""
    layer = case.trained()
    fresh = _reloaded(case, layer)
    for training in (True, False):
        require_same_bits(
            case.outcome(layer, case.context(training)),
            case.outcome(fresh, case.context(training)),
            "after saving, and loading into a fresh layer",
        )


def resumed_run(case: LayerCase) -> None:
    """Three training steps, a save, a load into a new layer, and three more equal six steps."""
    whole, killed = case.layer(), case.layer()
    right = _trained(case, whole, range(6))
    _trained(case, killed, range(3))
    resumed = _trained(case, _reloaded(case, killed), range(3, 6))
    require_same_bits(right, resumed, "after 6 steps with a save and a load in their midst")


def _reloaded(case: LayerCase, layer: Any) -> Any:
    """Return a new layer with the saved params and buffers of ``layer``."""
    fresh = case.construct(case.new_build())
    # A value that a layer derives from its parameters must change with them.
    case.output(fresh, case.context(False))
    loaded = saved_and_loaded(_arrays(layer))
    for name, array in _arrays(fresh).items():
        array[...] = loaded[name]
    return fresh


def _trained(case: LayerCase, layer: Any, steps: Iterable[int]) -> Arrays:
    """Return a layer's state after steps of gradient descent with different inputs."""
    for step in steps:
        ctx = case.context(True, step=step)
        _, cache = layer.forward(ctx, *case.draw(variant=step))
        _, gradients = backward(layer, ctx, cache, case.dy(layer))
        for name, param in layer.params.items():
            # gradient_structure reports a missing gradient, or one of a wrong shape.
            if name in gradients and gradients[name].shape == param.shape:
                param -= RATE * gradients[name]
        if isinstance(layer, Buffered):
            layer.commit(cache)
    return {**_arrays(layer), **case.output(layer, case.context(False))}


def _arrays(layer: Any) -> Arrays:
    return {**layer.params, **buffers(layer)}


def _listed(names: list[str]) -> str:
    gradients = [name for name in names if name.startswith("the gradient")]
    return f"only {gradients[0]}" if gradients else "no gradient"


def _needed(whole: Arrays, needs: Needs, outputs: set[str]) -> list[str]:
    names = {f"the gradient of {name}" for name in needs.params} | outputs
    names |= {f"the gradient of input {i}" for i, needed in enumerate(needs.inputs) if needed}
    return [name for name in whole if name in names]
