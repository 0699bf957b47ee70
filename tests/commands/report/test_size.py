"""The size of pages: below 1 MB, also for runs with much to show."""

import json

import numpy as np
import pytest

import tinynet
from tinynet.commands.report import make_report
from tinynet.commands.report.png import encode_png

pytestmark = pytest.mark.extra

LIMIT = 1_000_000


def page_size(run, folder):
    pytest.importorskip("jinja2", reason="jinja2 is not installed")
    page = make_report(run, data_root=folder).write(folder / "page.html")
    return page.stat().st_size


def train(folder, arrays, network, losses, metrics, inputs, **training):
    np.savez(folder / "data.npz", **arrays)
    targets = [name for name in arrays if name not in inputs]
    data = {
        "type": "npz",
        "path": "data.npz",
        "inputs": {n: n for n in inputs},
        "targets": {n: n for n in targets},
    }
    spec = {
        "tinynet": 1,
        "name": "large",
        "data": data,
        "network": network,
        "training": {
            "epochs": 1,
            "batch_size": 64,
            "optimizer": "adam",
            "loss": losses,
            "metrics": metrics,
            **training,
        },
    }
    tinynet.train(spec, folder / "run", data_root=folder, observer=lambda event: None)
    return folder / "run"


def test_many_outputs_of_noisy_photos(tmp_path):
    rng = np.random.default_rng(0)
    names = [f"kind{number}" for number in range(12)]
    photos = rng.integers(0, 256, (200, 96, 96, 3), np.uint8)
    arrays = {"photo": photos} | {name: rng.integers(0, 40, 200) for name in names}
    layers = [{"type": "global_avg_pool2d", "name": "mean", "inputs": "input:photo"}]
    layers += [{"type": "dense", "name": n, "units": 40, "inputs": "mean"} for n in names]
    metrics = [
        {"type": kind, "output": name}
        for name in names
        for kind in ("accuracy", "balanced_accuracy")
    ]
    losses = dict.fromkeys(names, "softmax_cross_entropy")
    network = {"layers": layers, "outputs": {name: name for name in names}}
    run = train(tmp_path, arrays, network, losses, metrics, ["photo"])
    assert page_size(run, tmp_path) < LIMIT


def test_long_series_and_a_long_run(tmp_path):
    rng = np.random.default_rng(1)
    arrays = {
        "past": rng.normal(size=(300, 900, 4)).astype(np.float32),
        "future": rng.normal(size=(300, 300)).astype(np.float32),
    }
    layers = [
        {"type": "global_avg_pool1d", "inputs": "input:past"},
        {"type": "dense", "units": 300},
    ]
    run = train(tmp_path, arrays, {"layers": layers}, "mse", ["mae", "r2"], ["past"])
    log = run / "metrics.jsonl"
    line = json.loads(log.read_text().splitlines()[-1])
    more = [{**line, "step": line["step"] + k, "epoch": 1 + k} for k in range(5000)]
    log.write_text("".join(json.dumps(each) + "\n" for each in more))
    assert page_size(run, tmp_path) < LIMIT


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pictures_are_what_they_show(channels):
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    from io import BytesIO

    pixels = np.random.default_rng(2).integers(0, 256, (5, 7, channels), np.uint8)
    with image.open(BytesIO(encode_png(pixels))) as opened:
        np.testing.assert_array_equal(np.asarray(opened).reshape(pixels.shape), pixels)
