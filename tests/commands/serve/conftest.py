"""Small models, and clients of applications that serve them."""

import warnings
from contextlib import ExitStack

import numpy as np
import pytest

import tinynet
from tinynet.commands.serve.limits import Limits

TRAINING = {
    "epochs": 1,
    "batch_size": 16,
    "optimizer": {"type": "adam", "learning_rate": 0.1},
}

FLOWERS = "\n".join(
    f"{i % 3 + i / 100},{'red' if i % 2 else 'white'},{'rose' if i % 3 else 'lily'}"
    for i in range(60)
)

TEXTS = [
    f"{'good' if i % 2 else 'bad'}\tit is {'fine' if i % 2 else 'poor'} {i}" for i in range(40)
]


DENSE = ["flatten", {"type": "dense", "units": 10}]


def _trained(folder, data, layers, loss="softmax_cross_entropy"):
    spec = {"tinynet": 1, "name": "small", "data": data, "network": {"layers": layers}}
    path = folder / f"{data['type']}-{loss}"
    tinynet.train({**spec, "training": {**TRAINING, "loss": loss}}, path, data_root=folder)
    return tinynet.load_model(path)


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Models of a table, of images (8, 8, 1), of texts, and of two arrays."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "flowers.csv").write_text(f"width,color,kind\n{FLOWERS}\n")
    (folder / "texts.txt").write_text("\n".join(TEXTS) + "\n")
    draw = np.random.default_rng(0)
    arrays = {"a": draw.normal(size=(40, 3)), "b": draw.normal(size=(40, 1))}
    np.savez(folder / "pair.npz", **arrays, y=np.arange(40) % 2)
    table = {"type": "csv", "path": "flowers.csv", "target": "kind"}
    images = {"type": "digits", "split": {"validation": 60, "test": 1637}}
    texts = {"type": "text_lines", "path": "texts.txt", "layout": "label_text"}
    texts["transforms"] = ["bag_of_words"]
    pair = {"type": "npz", "path": "pair.npz", "inputs": {"a": "a", "b": "b"}, "targets": "y"}
    days = "\n".join(f"2024-0{1 + i // 28}-{1 + i % 28:02},{i % 7}" for i in range(84))
    (folder / "days.csv").write_text(f"day,rain\n{days}\n")
    order = {"by": "day"}
    series = {
        "type": "csv", "path": "days.csv", "features": ["rain"], "target": None,
        "windows": {"length": 5, "targets": "rain"},
        "split": {"validation": 0.2, "test": 0.2, "order": order},
        "transforms": ["standardize"],
    }  # fmt: skip
    both = [{"type": "concat", "inputs": ["input:a", "input:b"]}, {"type": "dense", "units": 2}]
    return {
        "table": _trained(folder, table, [{"type": "dense", "units": 2}]),
        "images": _trained(folder, images, DENSE),
        "texts": _trained(folder, texts, [{"type": "dense", "units": 2}]),
        "pair": _trained(folder, pair, both),
        "series": _trained(folder, series, ["flatten", {"type": "dense", "units": 1}], "mse"),
    }


@pytest.fixture(scope="session")
def client_of(models):
    """Return a function that serves a model, and returns its client."""
    pytest.importorskip("fastapi", reason="needs pip install 'tinynet-core[serve]'")
    pytest.importorskip("httpx", reason="needs httpx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer versions of starlette prefer another httpx
        from fastapi.testclient import TestClient

    from tinynet.commands.serve.app import create_app

    with ExitStack() as stack:
        clients = {}

        def get(name, **limits):
            key = (name, *limits.items())
            if key not in clients:
                app = create_app(models[name], limits=Limits(**limits), threads=1)
                clients[key] = stack.enter_context(TestClient(app))
            return clients[key]

        yield get
