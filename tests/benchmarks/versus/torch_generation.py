"""Generation of a text in PyTorch, with the keys and values of all positions in arrays."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from versus.networks import FIRST_INDEX, Node
from versus.torch_layers import CausalAttention, Positions, Residual, module


class Decoder:
    """A network that computes one position after the other."""

    def __init__(self, nodes: tuple[Node, ...]) -> None:
        (self._length,) = nodes[0].in_shape
        self._model = one_position(nodes).eval()
        self._counters = [m for m in self._model.modules() if isinstance(m, AtPosition)]

    def text(self) -> list[int]:
        """Return the most probable indices after the first one, until all positions are used.

        Index 0 stands for unknown characters, which are never chosen.
        """
        index = torch.tensor([[FIRST_INDEX]])
        indices = []
        for position in range(self._length):
            for layer in self._counters:
                layer.position = position
            logits = self._model(index)
            index = logits[:, :, 1:].argmax(2) + 1
            indices.append(index.item())
        return indices


class AtPosition(nn.Module):
    """A layer that depends on the position.

    Attributes:
        position: The position to compute next.
    """

    position = 0


class AttentionAtPosition(AtPosition):
    """Attention of one position to itself and those before."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self.attention = CausalAttention(node)
        length, channels = node.in_shape
        shape = (1, self.attention.num_heads, length, channels // self.attention.num_heads)
        self.keys, self.values = torch.zeros(shape), torch.zeros(shape)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.attention.projected(x)
        position, known = self.position, self.position + 1
        self.keys[:, :, position:known] = key
        self.values[:, :, position:known] = value
        heads = functional.scaled_dot_product_attention(
            query, self.keys[:, :, :known], self.values[:, :, :known]
        )
        return self.attention.output(heads.flatten(1).unsqueeze(1))


class PositionAtPosition(AtPosition):
    """The learned vector of one position, added to it."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self.positions = Positions(node)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.positions.weight[self.position]


def one_position(nodes: tuple[Node, ...]) -> nn.Sequential:
    """Return the nodes as a module that computes one position at a time."""
    return nn.Sequential(*map(_one_position, nodes))


def _one_position(node: Node) -> nn.Module:
    match node.type:
        case "residual":
            return Residual(one_position(node.branch), one_position(node.shortcut))
        case "multi_head_attention":
            return AttentionAtPosition(node)
        case "position_embedding":
            return PositionAtPosition(node)
    return module(node)
