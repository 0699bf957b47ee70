"""An operation of a program: a node, with what its passes need to know."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from tinynet.engine.node import Node
from tinynet.layer.context import Needs

Exchange: TypeAlias = Literal["summaries", "batch"]
"""The exchange between shards at a layer that looks across the batch: summaries, or all samples."""


class ParamGradient(NamedTuple):
    """A parameter of a layer whose gradient is computed.

    Attributes:
        name: Its name in the layer.
        address: Its address in the network: ``conv2d_1/weight``.
        transposed: True if the layer uses the transpose of the array at that address.
    """

    name: str
    address: str
    transposed: bool


class Value(NamedTuple):
    """An output of a layer.

    Attributes:
        name: The name by which other operations read it.
        outputs: Names of the outputs of the network that it is.
        is_read: True if another operation reads it.
    """

    name: str
    outputs: tuple[str, ...]
    is_read: bool


@dataclass(frozen=True)
class Operation:
    """A node with what its passes need to know, determined once for all batches.

    Attributes:
        node: The node.
        needs: Gradients that its backward must return.
        has_backward: True if a gradient flows through it.
        eval_mode: True if it computes in training as in evaluation: its node says so, or its layer
            has running statistics and nothing trainable.
        commits: True if a training step changes its running statistics.
        gradients: The parameters whose gradients its backward returns.
        values: The values that it computes: one for each output of the layer.
        last_reads: Names of the values that no later operation reads.
        exchange_in_training: The kind of exchange at it in training; None for no exchange.
        exchange_in_evaluation: The same in evaluation.
    """

    node: Node
    needs: Needs
    has_backward: bool
    eval_mode: bool
    commits: bool
    gradients: tuple[ParamGradient, ...]
    values: tuple[Value, ...]
    last_reads: tuple[str, ...]
    exchange_in_training: Exchange | None
    exchange_in_evaluation: Exchange | None
