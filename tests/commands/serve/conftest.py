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
    "loss": "softmax_cross_entropy",
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


def _trained(folder, data, layers):
    spec = {"tinynet": 1, "name": "small", "data": data, "network": {"layers": layers}}
    path = folder / f"{data['type']}-run"
    tinynet.train({**spec, "training": TRAINING}, path, data_root=folder)
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
    both = [{"type": "concat", "inputs": ["input:a", "input:b"]}, {"type": "dense", "units": 2}]
    return {
        "table": _trained(folder, table, [{"type": "dense", "units": 2}]),
        "images": _trained(folder, images, DENSE),
        "texts": _trained(folder, texts, [{"type": "dense", "units": 2}]),
        "pair": _trained(folder, pair, both),
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
