"""The heads of a network: each output that has a loss, with that loss."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias, TypeGuard

from pydantic import TypeAdapter, ValidationError

from tinynet import registry
from tinynet.errors import Problem, SpecError
from tinynet.loss import CheckedLoss, Loss
from tinynet.spec.consistency import LOSS, loss_problems
from tinynet.spec.training_spec import Losses, LossReference
from tinynet.text.document import join_pointer
from tinynet.text.mistakes import located, problems
from tinynet.text.wording import listed, quoted, suggest

Said: TypeAlias = Loss | LossReference
"""A loss, or what a spec says of one."""

GivenLoss: TypeAlias = Said | Mapping[str, Any] | str
"""A loss, or what a JSON file says of one; or an object of them, by the output's name."""


@dataclass(frozen=True)
class Head:
    """One output of a network, and what it is trained by.

    Attributes:
        output: Name of the output.
        loss: The loss that is minimized.
        weight: How much that counts in the sum over all outputs.
        target: The target that the spec names; None where it names none.
        pointer: Where a spec says so.
    """

    output: str
    loss: Loss
    weight: float = 1.0
    target: str | None = None
    pointer: str = LOSS

    @cached_property
    def checks(self) -> CheckedLoss | None:
        """The loss, if it can tell bad targets beforehand."""
        return self.loss if isinstance(self.loss, CheckedLoss) else None


def heads_of(loss: GivenLoss | None, outputs: tuple[str, ...]) -> tuple[Head, ...]:
    """Return a head for each output that has a loss, in the order of the outputs.

    Args:
        loss: The loss of the only output, or losses by the names of outputs.
        outputs: Names of all outputs.

    Raises:
        SpecError: for losses that are wrong, or of outputs that do not exist.
        PluginError: for a loss that is missing or broken.
    """
    if loss is None:
        return ()
    said = _said(loss)
    names = list(said) if isinstance(said, Mapping) else getattr(said, "type", "...")
    if found := list(loss_problems(names, outputs, "/loss")):
        raise SpecError(found)
    if isinstance(said, Mapping):
        named = (name for name in outputs if name in said)
        return tuple(_head(name, said[name], LOSS + join_pointer([name])) for name in named)
    return (_head(outputs[0], said, LOSS),)


def targets_of(heads: Collection[Head], known: Collection[str]) -> dict[str, str]:
    """Return the target that each output with a loss is compared with, by the output's name.

    It is the one that the spec names, else the one that is called like the output, else the only
    one.

    Args:
        heads: The heads.
        known: Names of the targets.

    Raises:
        SpecError: listing every head whose target is not there, or could be any of several.
    """
    found, wrong = {}, []
    for head in heads:
        wanted = head.target or head.output
        if wanted in known:
            found[head.output] = wanted
        elif head.target is not None:
            message = f"there is no target {quoted(head.target)}; {suggest(head.target, known)}"
            wrong.append(Problem(message, f"{head.pointer}/target"))
        elif len(known) == 1:
            (found[head.output],) = known
        else:
            message = (
                f"the output {quoted(head.output)} could be compared with any of"
                f" {listed(sorted(known))}; say with which as 'target'"
            )
            wrong.append(Problem(message, f"{head.pointer}/target"))
    if wrong:
        raise SpecError(wrong)
    return found


def _said(loss: GivenLoss) -> Said | dict[str, Said]:
    if _is_said(loss):
        return loss
    if isinstance(loss, Mapping) and any(map(_is_said, loss.values())):
        return {
            name: part if _is_said(part) else _validated(LossReference, part, f"/loss/{name}")
            for name, part in loss.items()
        }
    said: Said | dict[str, Said] = _validated(Losses, loss, "/loss")
    return said


def _is_said(value: object) -> TypeGuard[Said]:
    return isinstance(value, LossReference) or hasattr(value, "predict")


def _validated(model: Any, value: Any, pointer: str) -> Any:
    try:
        return TypeAdapter(model).validate_python(
            value, context={"configure": registry.default().configure}
        )
    except ValidationError as error:
        found = problems(error, dict(value) if isinstance(value, Mapping) else value)
        raise located([replace(p, pointer=pointer + p.pointer) for p in found]) from None


def _head(output: str, said: Said, pointer: str) -> Head:
    if not isinstance(said, LossReference):
        return Head(output, said, pointer=pointer)
    loss: Loss = registry.default().create(said)
    return Head(output, loss, said.weight, said.target, pointer)
