"""The layers of PyTorch's side, channels first."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from versus.networks import NORM_EPSILON, NORM_MOMENTUM, Array, Node
from versus.shapes import before_and_after


class Residual(nn.Module):
    """A residual block: the output of a branch plus that of a shortcut."""

    def __init__(self, branch: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.branch = branch
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.branch(x)


class CausalConv1d(nn.Module):
    """A convolution of (N, C, T) that sees each step and those before it."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        size, channels, filters = node.params["weight"].shape
        dilation = node.options.get("dilation_rate", 1)
        self.padding = ((size - 1) * dilation, 0)
        bias = node.params.get("bias")
        conv = nn.Conv1d(channels, filters, size, dilation=dilation, bias=bias is not None)
        self.conv = filled(conv, node.params["weight"].transpose(2, 1, 0), bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(functional.pad(x, self.padding))


class LastState(nn.Module):
    """A recurrent layer, (N, T, C) -> (N, units)."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        kind = {"lstm": nn.LSTM, "gru": nn.GRU}[node.type]
        self.layer = kind(node.in_shape[1], node.options["units"], batch_first=True)
        biases = node.params["bias"].reshape(-1, node.params["weight"].shape[1])
        with torch.no_grad():
            self.layer.weight_ih_l0.copy_(in_torch_order(node, node.params["weight"]).T)
            self.layer.weight_hh_l0.copy_(in_torch_order(node, node.params["recurrent_weight"]).T)
            self.layer.bias_ih_l0.copy_(in_torch_order(node, biases[0]))
            if node.type == "gru":
                self.layer.bias_hh_l0.copy_(in_torch_order(node, biases[1]))
            else:
                # Only torch's LSTM has a second bias. Trained, it would double the updates.
                self.layer.bias_hh_l0.zero_().requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[0][:, -1]


def in_torch_order(node: Node, gates: Array) -> Tensor:
    """Return (..., gates * units) with the order of the gates changed to torch's."""
    order = {"lstm": (0, 1, 2, 3), "gru": (1, 0, 2)}[node.type]
    parts = np.split(gates, len(order), axis=-1)
    return torch.from_numpy(np.concatenate([parts[gate] for gate in order], axis=-1))


class CausalAttention(nn.Module):
    """Attention of (N, T, C), with one product for queries, keys and values."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        params, channels = node.params, node.in_shape[1]
        self.num_heads = node.options["num_heads"]
        weights, biases = (
            [params[f"{part}_{kind}"] for part in ("query", "key", "value")]
            for kind in ("weight", "bias")
        )
        projection = nn.Linear(channels, 3 * channels)
        self.projection = filled(projection, np.hstack(weights).T, np.hstack(biases))
        output = nn.Linear(channels, channels)
        self.output = filled(output, params["output_weight"].T, params["output_bias"])

    def forward(self, x: Tensor) -> Tensor:
        heads = functional.scaled_dot_product_attention(*self.projected(x), is_causal=True)
        return self.output(heads.transpose(1, 2).flatten(2))

    def projected(self, x: Tensor) -> Sequence[Tensor]:
        """Return queries, keys and values by head, (N, heads, T, size)."""
        by_head = self.projection(x).unflatten(2, (3 * self.num_heads, -1)).transpose(1, 2)
        return by_head.chunk(3, dim=1)


class Positions(nn.Module):
    """A learned vector for each position, added to it."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.from_numpy(node.params["weight"].copy()))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.weight


class Slice(nn.Module):
    """The steps of (N, C, T) from one on."""

    def __init__(self, start: int) -> None:
        super().__init__()
        self.start = start

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, self.start :]


def sequential(nodes: tuple[Node, ...]) -> nn.Sequential:
    """Return the nodes as a module."""
    return nn.Sequential(*map(module, nodes))


def module(node: Node) -> nn.Module:
    """Return one node as a module, with its parameters."""
    options, params = node.options, node.params
    match node.type:
        case "residual":
            return Residual(sequential(node.branch), sequential(node.shortcut))
        case "conv2d":
            layer = nn.Conv2d(
                node.in_shape[2],
                options["filters"],
                options["kernel_size"],
                options.get("strides", 1),
                before_and_after(options),
                bias="bias" in params,
            )
            return filled(layer, params["weight"].transpose(3, 2, 0, 1), params.get("bias"))
        case "depthwise_conv2d":
            channels, window = node.in_shape[2], (options["kernel_size"], options["strides"])
            padding = before_and_after(options)
            layer = nn.Conv2d(channels, channels, *window, padding, groups=channels, bias=False)
            return filled(layer, params["weight"].transpose(2, 3, 0, 1), None)
        case "conv1d":
            return CausalConv1d(node)
        case "dense":
            linear = nn.Linear(node.in_shape[-1], options["units"])
            return filled(linear, node.channels_first_weight.T, params["bias"])
        case "batch_norm":
            kind = nn.BatchNorm2d if len(node.in_shape) == 3 else nn.BatchNorm1d
            norm = kind(node.in_shape[-1], NORM_EPSILON, 1 - NORM_MOMENTUM)
            return filled(norm, params["gamma"], params["beta"])
        case "layer_norm":
            layer_norm = nn.LayerNorm(node.in_shape[-1:], NORM_EPSILON)
            return filled(layer_norm, params["gamma"], params["beta"])
        case "group_norm":
            group_norm = nn.GroupNorm(options["groups"], node.in_shape[2], NORM_EPSILON)
            return filled(group_norm, params["gamma"], params["beta"])
        case "lstm" | "gru":
            return LastState(node)
        case "multi_head_attention":
            return CausalAttention(node)
        case "embedding":
            return filled(nn.Embedding(*params["weight"].shape), params["weight"], None)
        case "position_embedding":
            return Positions(node)
        case "max_pool2d":
            return nn.MaxPool2d(options["pool_size"])
        case "global_avg_pool1d":
            return nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Flatten())
        case "global_avg_pool2d":
            return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        case "dropout":
            return nn.Dropout(options["rate"])
        case "flatten":
            return nn.Flatten()
        case "relu":
            return nn.ReLU()
        case "gelu":
            return nn.GELU()
        case "slice":
            return Slice(options["start"])
    raise ValueError(f"torch's side knows no layer {node.type!r}")


def filled(layer: nn.Module, weight: Array, bias: Array | None) -> nn.Module:
    """Return the layer with these parameters."""
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight.copy()))
        if bias is not None:
            layer.bias.copy_(torch.from_numpy(bias))
    return layer
