"""Commands under a real launcher give the files and the results of a single process.

The numbers of processes are in the variable PROCESSES: ``PROCESSES=1,2,3,5,8``.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mpi4py", reason="mpi4py is not installed")
from file_jobs import NAMES, write_jobs
from fleet_runs import content
from launching import MPIEXEC, environment, launcher, messages

pytestmark = pytest.mark.skipif(MPIEXEC is None, reason="there is no mpiexec: pip install mpich")
PROCESSES = [int(size) for size in os.environ.get("PROCESSES", "2").split(",")]
COMMANDS = Path(__file__).with_name("commands.py")


def commands(runs):
    """Return the commands that train each job in a folder of runs, evaluate them, and predict."""
    words = []
    for name in NAMES.values():
        run = str(runs / name)
        words += [
            ["train", f"{name}.json", "--run", run, "--json", "--threads", "1"],
            ["evaluate", run, "--split", "val", "--json"],
            ["evaluate", run, "--data", f"{name}.npz", "--json"],
            ["predict", run, f"{name}.npz", "--output", f"{run}.npz", "--json"],
        ]
    return words


def documents(text):
    """Return the JSON documents of a text, without times and the number of processes."""
    decoder, found = json.JSONDecoder(), []
    while text := text.lstrip():
        document, end = decoder.raw_decode(text)
        found.append({k: v for k, v in document.items() if k not in ("seconds", "processes")})
        text = text[end:]
    return found


def run_commands(folder, runs, processes):
    """Run all commands in the folder of the jobs; return what they print."""
    listed = commands(runs)
    (folder / "commands.json").write_text(json.dumps(listed))
    done = subprocess.run(
        [*launcher(processes), sys.executable, str(COMMANDS), "commands.json"],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=folder,
        env=environment(PYTHONPATH=str(folder)),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results = documents(done.stdout.replace(str(runs.resolve()), "RUNS"))
    assert len(results) == len(listed)
    return results, messages(done.stderr)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of the jobs."""
    folder = tmp_path_factory.mktemp("jobs")
    write_jobs(folder)
    return folder


@pytest.fixture(scope="module")
def alone(folder):
    """The runs and the results of a process without a launcher."""
    runs = folder / "alone"
    return runs, *run_commands(folder, runs, None)


@pytest.fixture(scope="module", params=PROCESSES)
def together(folder, request):
    """The runs and the results of several processes."""
    runs = folder / f"processes-{request.param}"
    return runs, *run_commands(folder, runs, request.param)


def test_results_are_those_of_one_process(alone, together):
    """Test figures and evaluations must not depend on the machines, nor be printed twice."""
    assert together[1:] == alone[1:]


@pytest.mark.parametrize("job", NAMES)
def test_predictions_are_those_of_one_process(alone, together, job):
    expected, found = (Path(f"{runs / NAMES[job]}.npz") for runs in (alone[0], together[0]))
    assert found.read_bytes() == expected.read_bytes()


@pytest.mark.parametrize("job", NAMES)
def test_checkpoints_and_log_are_those_of_one_process(alone, together, job):
    """Otherwise a run could not move between machines."""
    expected = content(alone[0] / NAMES[job])
    found = content(together[0] / NAMES[job])
    assert found[0].keys() == expected[0].keys()
    for name in expected[0]:
        assert found[0][name] == expected[0][name]
    assert found[1] == expected[1]


@pytest.mark.parametrize("wrong", [(0, 1, 2), (0,), (2,)], ids=str)
def test_bad_usage_is_one_message(tmp_path, wrong):
    """The others wait for a process that ends before it is connected, or end before it prints."""
    words = []
    for rank in range(3):
        option = ["--nothing"] if rank in wrong else []
        words += [":"] if words else [MPIEXEC]
        words += ["-n", "1", sys.executable, "-m", "tinynet", "train", "spec.json", *option]
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env=environment(),
        check=False,
    )
    assert done.returncode == 2
    assert [line for line in messages(done.stderr) if line.startswith("error: ")] == [
        "error: No such option '--nothing'."
    ]
