"""A GPT of characters, and the same model in PyTorch: the same weights, batches and steps.

    pip install torch==2.13.0
    python tests/benchmarks/gpt_against_torch.py --steps 500

Prints the validation losses on the same windows of models/data/alice.txt, and their ratio.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import tinynet

MODELS = Path(__file__).parents[2] / "models"
HEADS = 4


def gpt_spec(layers: int, width: int, length: int, batch_size: int, steps: int) -> dict:
    """Return the spec of a GPT without dropout, so that both sides compute the same."""
    block = [
        {"type": "layer_norm", "name": "norm_1"},
        {"type": "multi_head_attention", "name": "attention", "num_heads": HEADS, "causal": True},
        {"type": "add", "name": "attended", "inputs": ["input", "attention"]},
        {"type": "layer_norm", "name": "norm_2"},
        {"type": "dense", "name": "up", "units": 4 * width},
        {"type": "gelu"},
        {"type": "dense", "name": "down", "units": width},
        {"type": "add", "inputs": ["attended", "down"]},
    ]
    return {
        "tinynet": 1,
        "name": "gpt",
        "data": {
            "type": "text",
            "path": "data/alice.txt",
            "length": length,
            "transforms": [{"type": "vocabulary", "on": ["input", "target"]}],
            "split": {"validation": 0.1, "order": "as_is"},
        },
        "network": {
            "blocks": {"block": {"layers": block}},
            "layers": [
                {"type": "embedding", "name": "tokens", "input_dim": 71, "output_dim": width},
                {"type": "position_embedding", "name": "positions"},
                {"block": "block", "repeat": layers},
                {"type": "layer_norm", "name": "norm"},
                {"type": "dense", "units": 71, "name": "logits"},
            ],
        },
        "training": {
            "steps": steps,
            "batch_size": batch_size,
            "loss": "softmax_cross_entropy",
            "optimizer": {"type": "adam", "learning_rate": 0.001},
        },
    }


class Block(nn.Module):
    """A transformer block with the weights of tinynet's."""

    def __init__(self, params: dict[str, np.ndarray]) -> None:
        super().__init__()
        self.p = nn.ParameterDict(
            {name.replace("/", "_"): nn.Parameter(torch.tensor(a)) for name, a in params.items()}
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        p, width = self.p, x.shape[-1]

        def dense(x: torch.Tensor, name: str, part: str = "") -> torch.Tensor:
            return x @ p[f"{name}_{part}weight"] + p[f"{name}_{part}bias"]

        def norm(x: torch.Tensor, name: str) -> torch.Tensor:
            return functional.layer_norm(x, (width,), p[f"{name}_gamma"], p[f"{name}_beta"], 1e-5)

        h = norm(x, "norm_1")
        q, k, v = (
            dense(h, "attention", f"{part}_").unflatten(-1, (HEADS, -1)).transpose(1, 2)
            for part in ("query", "key", "value")
        )
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + dense(y.transpose(1, 2).flatten(-2), "attention", "output_")
        return x + dense(functional.gelu(dense(norm(x, "norm_2"), "up")), "down")


class GPT(nn.Module):
    """The same model as that of `gpt_spec`, with the same weights."""

    def __init__(self, params: dict[str, np.ndarray], layers: int) -> None:
        super().__init__()

        def of(prefix: str) -> dict[str, np.ndarray]:
            return {n.removeprefix(prefix): a for n, a in params.items() if n.startswith(prefix)}

        self.blocks = nn.ModuleList(Block(of(f"block_{i + 1}.")) for i in range(layers))
        outside = {n: a for n, a in params.items() if not n.startswith("block_")}
        self.p = nn.ParameterDict(
            {name.replace("/", "_"): nn.Parameter(torch.tensor(a)) for name, a in outside.items()}
        )

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        p = self.p
        x = p["tokens_weight"][tokens] + p["positions_weight"]
        for block in self.blocks:
            x = block(x)
        x = functional.layer_norm(x, x.shape[-1:], p["norm_gamma"], p["norm_beta"], 1e-5)
        return x @ p["logits_weight"] + p["logits_bias"]


def loss_of(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


def main() -> None:
    parser = argparse.ArgumentParser(description="A GPT in tinynet and in PyTorch.")
    for name, value in (("layers", 4), ("width", 128), ("length", 128), ("batch-size", 16)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--steps", type=int, default=500)
    args = parser.parse_args()
    spec = gpt_spec(args.layers, args.width, args.length, args.batch_size, args.steps)
    trainer = tinynet.Trainer(spec, root=MODELS)
    model = GPT({name: np.array(a) for name, a in trainer.network.params.items()}, args.layers)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001, eps=1e-8)
    data, size = trainer.data, args.batch_size
    epoch, position, order = 0, 0, data.order(0)
    for step in range(args.steps):
        if position * size >= len(order):
            epoch, position = epoch + 1, 0
            order = data.order(epoch)
        batch = data.batch("train", order[position * size :][:size], epoch=epoch)
        x, y = batch.inputs["input"], batch.targets["target"]
        position += 1
        ours = trainer.train_step(x, y)
        optimizer.zero_grad()
        theirs = loss_of(model(torch.tensor(x)), torch.tensor(y))
        theirs.backward()
        optimizer.step()
        if step % 50 == 0:
            print(f"step {step}: tinynet {ours:.5f}, torch {theirs.item():.5f}", flush=True)
    losses = np.zeros(2)
    for batch in data.batches("val", 32):
        x, y = batch.inputs["input"], batch.targets["target"]
        logits = trainer.network.forward(x).outputs["output"]
        with torch.no_grad():
            pair = (
                loss_of(torch.tensor(logits), torch.tensor(y)),
                loss_of(model(torch.tensor(x)), torch.tensor(y)),
            )
        losses += np.array([value.item() for value in pair]) * len(x)
    ours, theirs = losses / data.size("val")
    print(f"validation loss after {args.steps} steps: tinynet {ours:.5f}, torch {theirs:.5f}")
    print(f"ratio: {ours / theirs:.5f}")


if __name__ == "__main__":
    main()
