"""The jobs of the core's tests in files, for commands: specs, data, and a layer of a plugin."""

import json
import shutil
from pathlib import Path

import fleet_runs
import numpy as np
from fleet_runs import JOBS

SAMPLES = 110
SPLIT = {"validation": 20, "test": 20}
NAMES = {name: f"job{number}" for number, name in enumerate(JOBS)}
METADATA = "Metadata-Version: 2.1\nName: together-layers\nVersion: 1.0\n"
ENTRY_POINTS = "[tinynet.layers]\nscaled_center = fleet_runs:ScaledCenter\n"


def write_jobs(folder):
    """Write a spec and an .npz file for each job, and a distribution with the layer.

    Args:
        folder: The folder, which must be in the PYTHONPATH of the commands.
    """
    shutil.copy(Path(fleet_runs.__file__), folder)
    installed = folder / "together_layers-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(METADATA)
    (installed / "entry_points.txt").write_text(ENTRY_POINTS)
    for job, name in NAMES.items():
        (folder / f"{name}.json").write_text(json.dumps(_spec(JOBS[job], folder, name)))


def _spec(job, folder, name):
    x, y, *weights = job.data(SAMPLES)
    targets = y if isinstance(y, dict) else {"y": y}
    arrays = {"x": x, **targets, **({"weights": weights[0]} if weights else {})}
    np.savez(folder / f"{name}.npz", **arrays)
    data = {"type": "npz", "path": f"{name}.npz", "split": SPLIT}
    if isinstance(y, dict):
        data["targets"] = {target: target for target in targets}
    if weights:
        data["weights"] = "weights"
    return {**job.spec(), "name": name, "data": data}
