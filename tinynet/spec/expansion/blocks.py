"""Blocks: parts of a network that are declared once and have several instances."""

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, Field, JsonValue, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from tinynet.config import NODE_KEYS
from tinynet.errors import Problem, SpecError
from tinynet.spec.expansion.sources import Source
from tinynet.spec.expansion.state import Expansion
from tinynet.spec.expansion.variables import NAME, NAME_RULE, Scope, Value, substitute_with_source
from tinynet.spec.graph import INPUT
from tinynet.spec.parts import Name, Names, SpecModel, as_tuple
from tinynet.text.mistakes import problems
from tinynet.text.places import KeyProblem
from tinynet.text.wording import closest, format_value, quote

Model = TypeVar("Model", bound=SpecModel)

_RULE = f"a name is {NAME_RULE}"

BLOCKS = "/network/blocks"
"""JSON pointer to the blocks of a spec."""


class BlockSpec(SpecModel):
    """A list of nodes with parameters; the last node is its output."""

    params: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="The parameters with their defaults; null for one that each instance must set.",
    )
    inputs: Names | None = Field(
        default=None,
        min_length=1,
        description="Names of its inputs, which its nodes call 'input:name'; by default one,"
        " 'input'.",
    )
    layers: Annotated[tuple[JsonValue, ...], BeforeValidator(as_tuple)] = Field(
        min_length=1, description="Its nodes, like those of the network."
    )

    @field_validator("inputs")
    @classmethod
    def _are_names(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        listed = value or ()
        for name in listed:
            if not NAME.fullmatch(name):
                message = "an input cannot be called {name}; " + _RULE
                raise PydanticCustomError("name", message, {"name": quote(name)})
        if len(set(listed)) < len(listed):
            raise PydanticCustomError("name", "an input is named twice")
        return value

    @property
    def input_names(self) -> tuple[str, ...]:
        """The names by which its nodes refer to its inputs."""
        return (INPUT,) if self.inputs is None else tuple(f"{INPUT}:{i}" for i in self.inputs)


class InstanceSpec(SpecModel):
    """The keys of a node that is an instance of a block, without the block's parameters."""

    block: str = Field(description="The name of the block.")
    name: Name | None = Field(
        default=None, description="By default the block's name and an ordinal."
    )
    inputs: Names | None = Field(
        default=None,
        min_length=1,
        description="The nodes that it follows; by default the node before it.",
    )
    repeat: int | None = Field(
        default=None, ge=1, description="The number of repeats, one after the other."
    )
    trainable: bool = Field(
        default=True,
        description="True if training changes its parameters; if false, all of its nodes also"
        " compute in training as they do in evaluation.",
    )


class RepeatSpec(SpecModel):
    """The key that the expansion removes from a node that is not an instance of a block."""

    repeat: int | None = Field(
        default=None, ge=1, description="The number of repeats, one after the other."
    )


def read_blocks(raw: JsonValue, state: Expansion) -> dict[str, BlockSpec | None]:
    """Return the blocks of a network by name; None for a wrong one, which is recorded.

    Blocks that are not an object raise a SpecError.
    """
    if not isinstance(raw, dict):
        message = f"an object of blocks by name is expected, not {format_value(raw)}"
        raise SpecError([Problem(message, BLOCKS)])
    blocks: dict[str, BlockSpec | None] = {}
    for name, value in raw.items():
        source = Source(BLOCKS).part(name)
        if not NAME.fullmatch(name):
            state.refuse(f"a block cannot be called {quote(name)}; {_RULE}", source, key=True)
        elif name not in state.strings:
            message = f"nothing in the spec uses the block {quote(name)}"
            state.unused_problems.append(source.problem(message, KeyProblem))
        block, wrong = validate(BlockSpec, value)
        state.problems += [relocate(problem, source) for problem in wrong]
        if block is not None:
            _check_params(block, source, state)
            _check_inputs(block, source, state)
        blocks[name] = block
    return blocks


def validate(model: type[Model], raw: JsonValue) -> tuple[Model | None, list[Problem]]:
    """Validate a value: return the model, or None and the problems."""
    try:
        return model.model_validate(raw), []
    except ValidationError as error:
        return None, problems(error, raw)


def relocate(problem: Problem, source: Source) -> Problem:
    """Return a problem within a value with its place in the whole spec; `source` is the value's."""
    return replace(problem, pointer=source.pointer + problem.pointer, uses=source.uses)


def _check_params(block: BlockSpec, source: Source, state: Expansion) -> None:
    for name in block.params:
        param = source.part("params", name)
        if not NAME.fullmatch(name):
            state.refuse(f"a parameter cannot be called {quote(name)}; {_RULE}", param, key=True)
        elif name in NODE_KEYS:
            state.refuse(
                f"{quote(name)} is a key of every node; give the parameter another name",
                param,
                key=True,
            )
        elif f"${name}" not in state.strings:
            state.refuse(f"nothing in the spec uses {quote('$' + name)}", param, key=True)


def _check_inputs(block: BlockSpec, source: Source, state: Expansion) -> None:
    for index, name in enumerate(block.inputs or ()):
        reference = f"{INPUT}:{name}"
        if reference not in state.strings:
            message = f"nothing in the spec uses {quote(reference)}"
            state.unused_problems.append(source.part("inputs", index).problem(message))


def block_scope(
    name: str,
    block: BlockSpec,
    arguments: Mapping[str, JsonValue],
    caller_scope: Scope,
    global_scope: dict[str, Value],
    source: Source,
    state: Expansion,
) -> Scope:
    """Return the scope of the nodes in one instance of a block: its parameters and all variables.

    The node at `source` has the arguments. They can refer to its scope, that of the caller; the
    defaults of parameters only to the variables of the spec, the global scope.
    """
    keys = block.params.keys() | InstanceSpec.model_fields.keys()
    unknown = arguments.keys() - block.params.keys()
    meant = {closest(key, keys) for key in unknown}
    for key in unknown:
        message = f"the block {quote(name)} has no parameter {quote(key)}"
        state.refuse_unknown(message, key, keys, source.part(key), key=True)
    values: dict[str, Value] = {}
    for key, default in block.params.items():
        if key in arguments:
            argument = source.part(key)
            values[key] = substitute_with_source(arguments[key], caller_scope, state, argument)
        elif default is None:
            if key not in meant:  # a misspelled one is reported already
                state.refuse(f"the block {quote(name)} needs {quote(key)} here", source)
        else:
            declared = Source(BLOCKS).part(name, "params", key)
            values[key] = substitute_with_source(default, global_scope, state, declared)
    return ChainMap(values, global_scope) if values else global_scope
