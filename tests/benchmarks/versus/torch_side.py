"""PyTorch's side: eager in either memory layout, and compiled."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from versus.networks import LEARNING_RATE, Array, batch_of, nodes_of, prefers_channels_first
from versus.torch_generation import Decoder
from versus.torch_layers import sequential


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
        loss = loss_of(forward(x).flatten(0, -2), labels.flatten())
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


def generate(network: str, batch: int, *, threads: int, dropout: bool) -> Callable[[], list[int]]:
    """Return a function that computes the indices of a text, the most probable ones."""
    torch.set_num_threads(threads)
    decoder = Decoder(nodes_of(network, dropout=dropout))

    def run() -> list[int]:
        with torch.inference_mode():
            return decoder.text()

    return run


def prepared(
    network: str, batch: int, dropout: bool, channels_last: bool
) -> tuple[nn.Module, Tensor, Tensor]:
    """Return the model, its input in torch's order of axes, and the labels."""
    nodes = nodes_of(network, dropout=dropout)
    model: nn.Module = sequential(nodes)
    values, labels = batch_of(network, batch)
    x = torch.from_numpy(values)
    if prefers_channels_first(nodes):
        x = x.movedim(-1, 1).contiguous()
        if channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
            model = model.to(memory_format=torch.channels_last)
    return model, x, torch.from_numpy(labels)
