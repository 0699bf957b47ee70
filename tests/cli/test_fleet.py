"""Commands that a launcher starts several times: the first process speaks for all."""

import json
import socket

import numpy as np
import pytest

from tinynet.errors import PeerFailure, PluginError, SpecError
from tinynet.run import ending_together, launcher, training_run

from .conftest import DIGITS


@pytest.fixture
def launch(monkeypatch):
    """Let this process be one of three that a launcher started."""

    def start(rank, error=None):
        def open_group(settings):
            if error is not None:
                raise error

        monkeypatch.setattr(ending_together, "open_group", open_group)
        monkeypatch.setattr(ending_together, "FIRST_SPEAKS", 0)
        for module in (launcher, ending_together):
            monkeypatch.setattr(module, "launched", lambda: (3, rank))

    return start


@pytest.fixture
def spec(folder):
    """The file of a spec."""
    (folder / "spec.json").write_text(json.dumps(DIGITS))
    return "spec.json"


@pytest.mark.parametrize("words", [["--epochs", "0"], ["--nothing"]])
def test_bad_usage_is_reported_once(tinynet, launch, spec, words):
    launch(0)
    first = tinynet("train", spec, *words)
    assert first.code == 2
    assert "Error" in first.err or "error" in first.err
    launch(1)
    other = tinynet("train", spec, *words)
    assert (other.code, other.out, other.err) == (2, "", "")


def test_misspelled_command_is_reported_once(tinynet, launch):
    launch(0)
    assert "did you mean" in tinynet("trian", "spec.json").err
    launch(1)
    other = tinynet("trian", "spec.json")
    assert (other.code, other.out, other.err) == (2, "", "")


def test_first_process_reports_bad_usage_before_the_others_end(tinynet, launch, spec, monkeypatch):
    """The launcher of Open MPI ends all processes, printed or not, soon after one has ended."""
    waited = []
    monkeypatch.setattr("tinynet_cli.launch.time.sleep", waited.append)
    for rank in (0, 1):
        launch(rank)
        monkeypatch.setattr(ending_together, "FIRST_SPEAKS", 7)
        tinynet("train", spec, "--nothing")
    assert waited == [7]


def test_options_before_the_command_change_no_report(tinynet, launch, spec):
    launch(1, PeerFailure(0, 3, "a", SpecError("bad")))
    other = tinynet("--json", "train", spec)
    assert (other.code, other.out, other.err) == (2, "", "")


@pytest.mark.parametrize("error", [SpecError("bad"), PeerFailure(0, 3, "a", SpecError("bad"))])
def test_error_that_all_processes_know_is_reported_once(tinynet, launch, spec, error):
    launch(1, error if isinstance(error, PeerFailure) else PeerFailure(1, 3, "b", error))
    other = tinynet("train", spec, "--json")
    assert (other.code, other.out, other.err) == (2, "", "")


def test_process_that_cannot_join_reports_it(tinynet, launch, spec):
    """The others wait for it without knowing the reason."""
    launch(2, PluginError("mpi4py is not installed: pip install mpi4py"))
    result = tinynet("resume", "run")
    host = socket.gethostname()
    assert (result.code, result.err) == (
        5,
        f"error: process 2 of 3 on {host}: mpi4py is not installed: pip install mpi4py\n",
    )


def test_processes_without_a_fleet_report_for_themselves(tinynet, launch, spec):
    launch(1)
    result = tinynet("train", spec, "--fleet", "none", "--run", "r", "--epochs", "0")
    assert result.code == 2
    assert result.err


def test_other_processes_print_nothing(tinynet, launch, spec):
    launch(1)
    result = tinynet("train", spec, "--run", "r", "--quiet", "--json")
    assert (result.code, result.out) == (0, "")
    launch(0)
    result = tinynet("train", spec, "--run", "r2", "--quiet", "--json")
    assert result.json["processes"] == 1


def test_data_root_that_one_machine_lacks_is_reported_when_it_has_joined(tinynet, launch, spec):
    """A mistake in the command's syntax would be silent there, and the others would wait."""
    launch(1)
    joined = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_run, "check_arguments", lambda *args: joined.append(args[1]))
        tinynet("train", spec, "--data-root", "nowhere")
    assert joined[0]["settings"]["data_root"] == "nowhere"


def test_other_processes_evaluate_and_predict_in_silence(tinynet, launch, spec):
    tinynet("train", spec, "--run", "r", "--epochs", "1")
    np.save("new.npy", np.zeros((3, 8, 8, 1), np.uint8))
    for words in (["evaluate", "r"], ["predict", "r", "new.npy"]):
        launch(1)
        assert tinynet(*words, "--fleet", "none").out
        bad = tinynet(*words, "--kernels", "nothing")
        assert (bad.code, bad.out, bad.err) == (5, "", "")
    launch(1)
    assert tinynet("evaluate", "r").out == ""


WRITING = [
    ("tune", "spec.json"),
    ("report", "r"),
    ("new", "layer", "x"),
    ("convert", "a.csv", "b"),
    ("serve", "r"),
    ("verify-resume", "spec.json"),
    ("import", "w.npz", "--spec", "spec.json"),
    ("export", "r", "-o", "r.onnx"),
    ("plot", "r"),
    ("init", "a.csv"),
    ("runs", ".", "--csv", "runs.csv"),
    ("schema", "-o", "schema.json"),
]


@pytest.fixture
def two_launched(monkeypatch):
    """Let this process be one of two of MPICH, by its number."""
    monkeypatch.setattr(ending_together, "FIRST_SPEAKS", 0)
    monkeypatch.setenv("PMI_SIZE", "2")
    return lambda rank: monkeypatch.setenv("PMI_RANK", str(rank))


@pytest.mark.parametrize("words", WRITING, ids=lambda words: words[0])
def test_command_for_one_process_is_refused_in_several(tinynet, two_launched, spec, words):
    """Each process would write the same files, or make a study of its own."""
    two_launched(1)
    other = tinynet(*words)
    assert (other.code, other.out, other.err) == (2, "", "")
    two_launched(0)
    first = tinynet(*words)
    assert first.code == 2
    assert first.err.startswith(f"error: tinynet {words[0]}")
    assert "runs in one process, and 2 were launched" in first.err
    assert f"env -u PMI_SIZE tinynet {words[0]}" in first.err


@pytest.mark.parametrize(
    "words",
    [["layers"], ["plugins", "list"], ["check", "spec.json"], ["-V"], ["schema"], ["runs", "."]],
    ids=str,
)
def test_commands_that_print_run_in_each_process(tinynet, two_launched, spec, words):
    """This compares the machines."""
    two_launched(1)
    assert tinynet(*words).out


def test_one_launched_process_runs_any_command(tinynet, monkeypatch, spec):
    """A job array of Slurm, or `srun -n 1`."""
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "1")
    monkeypatch.setenv("SLURM_PROCID", "0")
    assert tinynet("schema", "-o", "schema.json").code == 0
