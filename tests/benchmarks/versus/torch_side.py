"""PyTorch's side: eager in either memory layout, and compiled."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from versus.networks import (
    LEARNING_RATE,
    NORM_EPSILON,
    NORM_MOMENTUM,
    Array,
    Node,
    batch_of,
    nodes_of,
)


def train(
    network: str,
    batch: int,
    *,
    threads: int,
    dropout: bool,
    channels_last: bool = False,
    compiled: bool = False,
) -> Callable[[], float]:
    """Return a training step, which returns the loss before the update."""
    torch.set_num_threads(threads)
    model, x, labels = prepared(network, batch, dropout, channels_last)
    model.train()
    # The fused update is torch's fastest on a CPU.
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=True)
    loss_of = nn.CrossEntropyLoss()
    forward = torch.compile(model, dynamic=False) if compiled else model

    def step() -> float:
        optimizer.zero_grad()
        loss = loss_of(forward(x), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def infer(
    network: str,
    batch: int,
    *,
    threads: int,
    dropout: bool,
    channels_last: bool = False,
    compiled: bool = False,
) -> Callable[[], Array]:
    """Return a function that computes the logits."""
    torch.set_num_threads(threads)
    model, x, _ = prepared(network, batch, dropout, channels_last)
    model.eval()
    forward = torch.compile(model, dynamic=False) if compiled else model

    def run() -> Array:
        with torch.inference_mode():
            return forward(x).numpy()

    return run


def prepared(
    network: str, batch: int, dropout: bool, channels_last: bool
) -> tuple[nn.Module, Tensor, Tensor]:
    """Return the model, its input in torch's order of axes, and the labels."""
    model: nn.Module = sequential(nodes_of(network, dropout=dropout))
    images, labels = batch_of(network, batch)
    x = torch.from_numpy(images)
    if x.ndim == 4:
        x = x.permute(0, 3, 1, 2).contiguous()
        if channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
            model = model.to(memory_format=torch.channels_last)
    return model, x, torch.from_numpy(labels)


class Residual(nn.Module):
    """A residual block: the input plus the output of a branch."""

    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


def sequential(nodes: tuple[Node, ...]) -> nn.Sequential:
    """Return the nodes as a module."""
    return nn.Sequential(*map(module, nodes))


def module(node: Node) -> nn.Module:
    """Return one node as a module, with its parameters."""
    options, params = node.options, node.params
    match node.type:
        case "residual":
            return Residual(sequential(node.branch))
        case "conv2d":
            layer = nn.Conv2d(
                node.in_shape[2],
                options["filters"],
                options["kernel_size"],
                padding=options.get("padding", "valid"),
                bias="bias" in params,
            )
            return filled(layer, params["weight"].transpose(3, 2, 0, 1), params.get("bias"))
        case "dense":
            linear = nn.Linear(node.in_shape[0], options["units"])
            return filled(linear, node.channels_first_weight.T, params["bias"])
        case "batch_norm":
            norm = nn.BatchNorm2d(node.in_shape[2], NORM_EPSILON, 1 - NORM_MOMENTUM)
            return filled(norm, params["gamma"], params["beta"])
        case "max_pool2d":
            return nn.MaxPool2d(options["pool_size"])
        case "global_avg_pool2d":
            return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        case "dropout":
            return nn.Dropout(options["rate"])
        case "flatten":
            return nn.Flatten()
        case "relu":
            return nn.ReLU()
    raise ValueError(f"torch's side knows no layer {node.type!r}")


def filled(layer: nn.Module, weight: Array, bias: Array | None) -> nn.Module:
    """Return the layer with these parameters."""
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight.copy()))
        if bias is not None:
            layer.bias.copy_(torch.from_numpy(bias))
    return layer
