"""A fault in one process alone ends all of them, with one message that names it and its exit code.

Whatever the fault, the run is as before, or resumes to the bits of an undisturbed one.
"""

import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mpi4py", reason="mpi4py is not installed")
from launching import MPIEXEC, environment, launcher
from torture_jobs import assert_same, outcome

from tinynet.run.folder import RunFolder

FAULTY = str(Path(__file__).with_name("faulty.py"))
pytestmark = pytest.mark.skipif(MPIEXEC is None, reason="there is no mpiexec: pip install mpich")

LAYERS = """
from tinynet.kernels.numpy import NumpyKernels
from tinynet.layer import LayerConfig

class Twice:
    class Config(LayerConfig):
        pass

    def __init__(self, config, in_shapes, build):
        (self.out_shape,) = in_shapes
        self.params = {}

    def forward(self, ctx, x):
        return x + x, None

    def backward(self, ctx, cache, dy):
        return (dy + dy,), {}

class Other(NumpyKernels):
    pass
"""
ENTRY_POINTS = """
[tinynet.layers]
twice = faults_plugin:Twice
[tinynet.kernels]
other = faults_plugin:Other
"""

SPEC = {
    "tinynet": 1,
    "name": "faults",
    "data": {"type": "npz", "path": "d.npz", "split": {"validation": 60}},
    "network": {"layers": [{"type": "dense", "units": 16}, "batch_norm", "relu", "twice"]},
    "training": {
        "epochs": 4,
        "batch_size": 32,
        "seed": 5,
        "loss": "mse",
        "optimizer": "adam",
        "shards": 5,
        "checkpoint": {"every_steps": 4, "keep_last": 50, "keep_best": {"metric": "val/loss"}},
    },
}
SIZE = 260


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of the commands: a spec, its data, and two versions of a distribution."""
    folder = tmp_path_factory.mktemp("faults")
    (folder / "spec.json").write_text(json.dumps(SPEC))
    rng = np.random.default_rng(1)
    x = rng.normal(size=(SIZE, 30)).astype(np.float32)
    np.savez(folder / "d.npz", x=x, y=x[:, :16] * 0.5)
    for name, version in (("installed", "1.0"), ("other", "1.1")):
        facts = folder / name / f"faults_plugin-{version}.dist-info"
        facts.mkdir(parents=True)
        (facts / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: faults-plugin\nVersion: {version}\n"
        )
        (facts / "entry_points.txt").write_text(ENTRY_POINTS)
        (folder / name / "faults_plugin.py").write_text(LAYERS)
    return folder


@pytest.fixture(scope="module")
def whole(folder):
    """The outcome of a run in one process."""
    assert run(folder, 0, "nothing", "train", "spec.json", "--run", "whole", size=None) == (0, "")
    return outcome(folder / "whole")


def run(folder, rank, fault, *words, size=2):
    """Run a command with a fault in a process; return the exit code and the text on stderr."""
    # Native kernels may be installed, too.
    words = [*map(str, words), "--quiet", "--kernels", "numpy"]
    done = subprocess.run(
        [*launcher(size), sys.executable, FAULTY, str(rank), fault, *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        cwd=folder,
        env=environment(),
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("fault", "code", "expected"),
    [
        ("no_plugin", 5, "faults-plugin"),
        ("other_plugin", 4, "faults-plugin has the version 1.1, not 1.0"),
        ("other_kernels", 4, "kernels is"),
        ("other_numpy", 4, "numpy is 1.99.0, not"),
        ("no_data", 3, "d.npz"),
    ],
)
def test_another_machine_is_refused(folder, fault, code, expected):
    """The run would have other bits than on machines that are alike."""
    path = folder / fault
    found, text = run(folder, 1, fault, "train", "spec.json", "--run", path.name)
    assert found == code
    assert text.count("error: ") == 1
    assert "process 1 of 2 on" in text
    assert expected in text
    assert not path.exists()


def resume(folder, path, whole):
    """Resume a run in this process, and compare it with an undisturbed one."""
    assert run(folder, 0, "nothing", "resume", str(path), size=None) == (0, "")
    assert_same(path, whole)


@pytest.mark.parametrize(
    ("rank", "fault", "code"), [(0, "sigint_in_a_save", 130), (1, "sigterm_in_an_evaluation", 143)]
)
def test_a_signal_to_one_process_saves_the_run(folder, whole, rank, fault, code):
    """Schedulers and users send it at any time."""
    path = folder / fault
    found, text = run(folder, rank, fault, "train", "spec.json", "--run", path)
    assert found == code
    assert text.count("Continue with: tinynet resume") == 1
    assert "error" not in text
    resume(folder, path, whole)


@contextmanager
def mounted(path, *options):
    """Mount a file system in memory at a path; skip the test where that is not allowed."""
    path.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(path)]
    try:
        subprocess.run(words, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a file system is not allowed here")
    try:
        yield lambda *others: subprocess.run(
            ["mount", "-o", ",".join(["remount", *others]), str(path)], check=True
        )
    finally:
        subprocess.run(["umount", str(path)], check=True)


def test_a_read_only_folder_of_process_0_is_one_message(folder, whole):
    with mounted(folder / "read_only", "size=8m") as remount:
        path = folder / "read_only" / "run"
        run(folder, 1, "sigterm_in_a_save", "train", "spec.json", "--run", path)
        remount("ro")
        for words in (["resume", path], ["train", "spec.json", "--run", path.parent / "new"]):
            code, text = run(folder, 1, "nothing", *words)
            assert code == 4
            assert text.count("error: ") == 1
            assert "read-only" in text.lower()
        remount("rw")
        resume(folder, path, whole)


def test_a_full_disk_of_process_0_loses_nothing(folder, whole):
    with mounted(folder / "full", "size=128k") as remount:
        path = folder / "full" / "run"
        code, text = run(folder, 1, "nothing", "train", "spec.json", "--run", path)
        assert code == 4
        assert text.count("error: ") == 1
        assert "No space left" in text
        assert RunFolder(path).steps()
        remount("size=8m")
        resume(folder, path, whole)
