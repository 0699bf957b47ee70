"""The job of `models/mnist_cnn.json` as a plain PyTorch program.

    python tests/benchmarks/versus/torch_job.py ../shared/data/mnist --threads 2

Trains on 57,000 of MNIST's training images, evaluates on the other 3,000 and on the test images
after each epoch, and stops once the test accuracy is reached. Prints accuracy and epochs.
"""

import argparse
import gzip
import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

BATCH, RATE, WARMUP, VALIDATION = 64, 0.002, 100, 3000


def images(folder: Path, part: str) -> tuple[Tensor, Tensor]:
    """Return pixels (N, 1, 28, 28) uint8 and labels (N,) int64 of ``train`` or ``t10k``."""
    pixels = gzip.decompress((folder / f"{part}-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((folder / f"{part}-labels-idx1-ubyte.gz").read_bytes())
    x = torch.from_numpy(np.frombuffer(pixels, np.uint8, offset=16).copy())
    y = torch.from_numpy(np.frombuffer(labels, np.uint8, offset=8).astype(np.int64))
    return x.reshape(-1, 1, 28, 28), y


def network() -> nn.Sequential:
    made = nn.Sequential(
        nn.Conv2d(1, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.25),
        nn.Linear(512, 96),
        nn.ReLU(),
        nn.Dropout(0.25),
        nn.Linear(96, 10),
    )
    for layer in made[:-1]:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.bias)
    return made


def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    model.eval()
    with torch.inference_mode():
        parts = zip(x.split(1000), y.split(1000), strict=True)
        right = sum(int((model(a / 255).argmax(1) == b).sum()) for a, b in parts)
    return right / len(y)


def train_epoch(
    model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor, number: int
) -> None:
    """Train one epoch; the learning rate falls to zero at its end, as in a last epoch."""
    model.train()
    loss_of = nn.CrossEntropyLoss()
    steps = math.ceil(len(y) / BATCH)
    for step, chosen in enumerate(torch.randperm(len(y)).split(BATCH), (number - 1) * steps):
        rising = min(1, (step + 1) / WARMUP)
        past = max(0, (step - WARMUP) / (number * steps - WARMUP))
        rate = RATE * rising * (1 + math.cos(math.pi * past)) / 2
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        loss = loss_of(model(x[chosen] / 255), y[chosen])
        loss.backward()
        optimizer.step()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="folder of the four idx files")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--goal", type=float, default=0.98, help="test accuracy")
    parser.add_argument("--most-epochs", type=int, default=10)
    parser.add_argument("--channels-last", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    x, y = images(args.data, "train")
    test_x, test_y = images(args.data, "t10k")
    order = torch.randperm(len(y))
    held, used = order[:VALIDATION], order[VALIDATION:]
    model = network()
    if args.channels_last:
        model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
    train_x, train_y = x[used], y[used]
    for number in range(1, args.most_epochs + 1):
        train_epoch(model, optimizer, train_x, train_y, number)
        accuracy(model, x[held], y[held])
        reached = accuracy(model, test_x, test_y)
        if reached >= args.goal:
            print(json.dumps({"accuracy": reached, "epochs": number}))
            return
    sys.exit(f"{args.goal} is not reached in {args.most_epochs} epochs")


if __name__ == "__main__":
    main()
