"""The losses of a network, from a spec; and the targets that outputs are compared with."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, TypeAlias, TypeGuard

from pydantic import TypeAdapter, ValidationError

from tinynet import registry
from tinynet.engine.inputs import input_name, own_name
from tinynet.engine.losses import OutputLoss
from tinynet.errors import Problem, SpecError
from tinynet.loss import Loss
from tinynet.spec.consistency import JOIN, LOSS, loss_problems
from tinynet.spec.graph import is_input
from tinynet.spec.training_spec import Losses, LossReference
from tinynet.text.mistakes import problems, spec_or_plugin_error
from tinynet.text.places import join_pointer
from tinynet.text.wording import format_list, quote, suggest
from tinynet.types import Shape

_OneLoss: TypeAlias = Loss | LossReference

LossLike: TypeAlias = _OneLoss | Mapping[str, Any] | str
"""A loss, or its declaration in a JSON file; or several, by the names of their outputs."""


def output_losses(
    loss: LossLike | None, out_shapes: Mapping[str, Shape], dtype: str = "float64"
) -> tuple[OutputLoss, ...]:
    """Return the losses, in the order of their names.

    Args:
        loss: The loss of the only output, or losses by the names of their outputs.
        out_shapes: Shape of one sample of each output, by its name.
        dtype: NumPy's name of the network's dtype.

    Raises:
        SpecError: for wrong losses, or losses of outputs that do not exist.
        PluginError: for a loss that is missing or broken.
    """
    if loss is None:
        return ()
    declared, outputs = _validated_losses(loss), tuple(out_shapes)
    names = list(declared) if isinstance(declared, Mapping) else getattr(declared, "type", "...")
    if wrong := list(loss_problems(names, outputs, "/loss")):
        raise SpecError(wrong)
    if not isinstance(declared, Mapping):
        declared, pointers = {outputs[0]: declared}, {outputs[0]: LOSS}
    else:
        pointers = {name: LOSS + join_pointer([name]) for name in declared}
    losses = [_output_loss(name, declared[name], pointers[name]) for name in sorted(declared)]
    return tuple(
        replace(
            part, out_shapes=tuple([out_shapes[output] for output in part.outputs]), dtype=dtype
        )
        for part in losses
    )


def targets_of(
    losses: Collection[OutputLoss], targets: Collection[str], inputs: Collection[str]
) -> dict[str, str]:
    """Return the target of each loss that takes one, by the loss's name.

    It is the one that the spec names, which may be an input of the network (``input:image``); else
    the one with the name of the output; else the only one.

    Args:
        losses: The losses.
        targets: Names of the targets in the data.
        inputs: Names of the inputs in the data.

    Raises:
        SpecError: listing every loss whose target does not exist, or could be any of several.
    """
    chosen, wrong = {}, []
    for part in losses:
        name = part.target or part.name
        if not part.takes_target:
            continue
        if name in targets:
            chosen[part.name] = name
        elif part.target is not None and is_input(part.target):
            chosen[part.name] = part.target
            if own_name(part.target) not in inputs:
                available = format_list(sorted(map(input_name, inputs)))
                message = f"there is no {quote(part.target)} in the data, only {available}"
                wrong.append(Problem(message, f"{part.pointer}/target"))
        elif part.target is not None:
            message = f"there is no target {quote(part.target)}; {suggest(part.target, targets)}"
            wrong.append(Problem(message, f"{part.pointer}/target"))
        elif len(targets) == 1:
            (chosen[part.name],) = targets
        elif not targets:
            message = (
                "the data have no targets: name an input as 'target' (to reconstruct it), or use a"
                " loss that takes no target"
            )
            wrong.append(Problem(message, part.pointer))
        else:
            message = (
                f"the output {quote(part.name)} could be compared with any of"
                f" {format_list(sorted(targets))}; name one of them as 'target'"
            )
            wrong.append(Problem(message, f"{part.pointer}/target"))
    if wrong:
        raise SpecError(wrong)
    return chosen


def _validated_losses(loss: LossLike) -> _OneLoss | dict[str, _OneLoss]:
    if _is_one_loss(loss):
        return loss
    if isinstance(loss, Mapping) and any(map(_is_one_loss, loss.values())):
        return {
            name: part if _is_one_loss(part) else _validated(LossReference, part, f"/loss/{name}")
            for name, part in loss.items()
        }
    losses: _OneLoss | dict[str, _OneLoss] = _validated(Losses, loss, "/loss")
    return losses


def _is_one_loss(value: object) -> TypeGuard[_OneLoss]:
    return isinstance(value, LossReference) or hasattr(value, "backward")


def _validated(model: Any, value: Any, pointer: str) -> Any:
    try:
        return TypeAdapter(model).validate_python(
            value, context={"configure": registry.default().configure}
        )
    except ValidationError as error:
        wrong = problems(error, dict(value) if isinstance(value, Mapping) else value)
        moved = [replace(p, pointer=pointer + p.pointer) for p in wrong]
        raise spec_or_plugin_error(moved) from None


def _output_loss(output: str, declared: _OneLoss, pointer: str) -> OutputLoss:
    if not isinstance(declared, LossReference):
        part = OutputLoss(output, declared, pointer=pointer)
    else:
        loss: Loss = registry.default().create(declared, pointer)
        part = OutputLoss(output, loss, declared.weight, declared.target, pointer)
    count = int(getattr(part.loss, "output_count", 1))
    short = declared.type if isinstance(declared, LossReference) else type(part.loss).__name__
    if len(part.outputs) != count:
        several = f"{count} outputs, joined by {quote(JOIN)}" if count > 1 else "one output"
        message = f"{short} is a loss of {several}, not of {quote(output)}"
        raise SpecError([Problem(message, pointer)])
    if part.target is not None and not part.takes_target:
        message = f"{short} takes no target; remove 'target'"
        raise SpecError([Problem(message, f"{pointer}/target")])
    return part
