"""`tinynet tune`: a study from the first trial to the best spec, killed and resumed."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tinynet.run.log import read_log
from tinynet.run.record import read_record

pytest.importorskip("optuna", reason="tinynet tune needs Optuna")

pytestmark = pytest.mark.extra

RATE = "training.optimizer.learning_rate"
COMMAND = [sys.executable, "-c", "from tinynet_cli.main import main; main()"]


def rows(study):
    with open(Path(study, "trials.csv"), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_study_ends_with_a_spec_that_trains_to_the_same_value(tinynet, spec):
    done = tinynet("tune", spec, "--param", f"{RATE}=log:1e-3:1e-1", "--trials", 3)
    assert done.code == 0, done.err
    assert done.err.splitlines()[0] == "3 trials for the smallest val/loss in runs/small-tune-001"
    assert done.out.splitlines()[-1] == "to train it: tinynet train runs/small-tune-001/best.json"
    table = rows("runs/small-tune-001")
    assert [row["state"] for row in table] == ["finished"] * 3
    best = min(table, key=lambda row: float(row["val/loss"]))
    trained = tinynet("train", "runs/small-tune-001/best.json", "--json").json
    assert trained["best_evaluation"]["value"] == float(best["val/loss"])
    again = tinynet("tune", "--run", "runs/small-tune-001", "--resume", "--trials", 4, "--json")
    result = again.json
    assert [trial["number"] for trial in result["trials"]] == [0, 1, 2, 3]
    assert len({trial["params"][RATE] for trial in result["trials"]}) == 4
    assert rows("runs/small-tune-001")[:3] == table
    assert json.loads(Path("runs/small-tune-001/study.json").read_text())["trials"] == 4


def test_importances_are_printed_and_plotted(tinynet, spec, monkeypatch):
    pytest.importorskip("matplotlib", reason="the plot needs matplotlib")
    words = ["--param", f"{RATE}=log:1e-4:1e-1", "--param", "training.batch_size=choice:64,256"]
    done = tinynet("tune", spec, *words, "--trials", 5, "--run", "s")
    assert done.code == 0, done.err
    assert "importance:" in done.out
    assert Path("s/importance.png").read_bytes().startswith(b"\x89PNG")
    assert RATE in Path("s/importance.svg").read_text() or "<svg" in done.out
    monkeypatch.setitem(sys.modules, "sklearn", None)  # as where it is not installed
    shares = tinynet("tune", "--run", "s", "--resume", "--json").json["importance"]
    assert set(shares) == {RATE, "training.batch_size"}
    assert sum(shares.values()) == pytest.approx(1)


def test_section_of_the_spec_and_two_processes(tinynet, write_spec):
    path = write_spec(early_stopping={"metric": "val/accuracy"})
    spec = json.loads(path.read_text())
    widths = {"kind": "choice", "choices": [4, 12]}
    spec["network"]["layers"].insert(1, {"type": "dense", "units": 8})
    spec["tuning"] = {
        "params": {"network.layers.dense_1.units": widths},
        "sampler": "grid",
        "metric": "val/accuracy",
    }
    path.write_text(json.dumps(spec))
    result = tinynet("tune", path, "--run", "s", "--jobs", 2, "--json").json
    assert (result["direction"], len(result["trials"])) == ("maximize", 2)
    units = [trial["params"]["network.layers.dense_1.units"] for trial in result["trials"]]
    assert units == [4, 12]
    values = [trial["value"] for trial in result["trials"]]
    assert result["best"]["value"] == max(values)


def test_trial_that_diverges_fails_and_the_next_one_runs(tinynet, spec):
    words = ["--param", f"{RATE}=choice:1e300,0.01", "--sampler", "grid", "--run", "s"]
    done = tinynet("tune", spec, *words, "--set", "training.optimizer.type=sgd")
    assert done.code == 0, done.err
    failed, finished = rows("s")
    assert (failed["state"], finished["state"]) == ("failed", "finished")
    assert "the loss is not finite at step" in failed["error"]


def test_bad_trials_are_pruned(tinynet, write_spec):
    rates = ",".join(f"0.0{n}" for n in range(1, 7))
    path = write_spec(epochs=3)
    words = ["--param", f"{RATE}=choice:{rates},1e-9", "--sampler", "grid", "--run", "s"]
    assert tinynet("tune", path, *words).code == 0
    last = rows("s")[-1]
    assert (last["state"], last["epochs"]) == ("pruned", "1")
    record = read_log(Path("s/trials/0006/metrics.jsonl"))
    assert len(record) == 1, "the evaluation that decided is in the log"
    assert float(last["val/loss"]) == record[0]["val/loss"]


def start(*words, **options):
    return subprocess.Popen(
        [*COMMAND, *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that the group can be killed as a whole
        **options,
    )


def wait_for(running, text):
    lines = []
    for line in running.stderr:
        lines.append(line)
        if text in line:
            return
    raise AssertionError("".join(lines))


def wait_for_an_evaluation(running, log):
    while not (log.exists() and log.stat().st_size):
        assert running.poll() is None


def test_kill_of_all_processes_loses_no_trial(tinynet, write_spec):
    """Every trial is there once, and the results are those of a study that was never killed."""
    path = write_spec(epochs=40)
    words = ["tune", path, "--param", f"{RATE}=log:1e-3:1e-1", "--trials", 4, "--pruner", "none"]
    whole = tinynet(*words, "--sampler", "random", "--run", "whole")
    assert whole.code == 0, whole.err
    words += ["--sampler", "random", "--run", "killed"]
    running = start(*words)
    wait_for(running, "2/4")
    wait_for_an_evaluation(running, Path("killed/trials/0002/metrics.jsonl"))
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    journal = Path("killed/journal.log")
    journal.write_bytes(journal.read_bytes() + b'{"op_code": 5, "wor')  # killed as it wrote
    lock = journal.with_name("journal.log.lock")  # the kill may have left it
    if not os.path.lexists(lock):
        lock.symlink_to("journal.log")
    last = tinynet("tune", "--run", "killed", "--resume")
    assert last.code == 0, last.err
    assert "ended in the middle of an entry" in last.err
    assert "is resumed" in last.err
    kept = ("trial", "state", "val/loss", "epoch", "step", "epochs", RATE)
    results = [[[row[key] for key in kept] for row in rows(study)] for study in ("whole", "killed")]
    assert results[0] == results[1]
    assert len(results[0]) == 4
    for number in range(4):
        logs = [Path(study, f"trials/{number:04d}/metrics.jsonl") for study in ("whole", "killed")]
        steps = [[record["step"] for record in read_log(log)] for log in logs]
        assert steps[0] == steps[1], "no evaluation is missing or repeated"


def test_interrupt_saves_the_trial_and_says_how_to_continue(tinynet, write_spec):
    path = write_spec(epochs=10**6)
    rate = f"{RATE}=log:1e-3:1e-1"
    running = start("tune", path, "--param", rate, "--trials", 2, "--run", "s")
    wait_for(running, "trials for the smallest")
    wait_for_an_evaluation(running, Path("s/trials/0000/metrics.jsonl"))
    os.killpg(running.pid, signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in err
    assert err.splitlines()[-1] == (
        "Interrupted after 0 of 2 trials; 1 unfinished trial is saved."
        " Continue with: tinynet tune --run s --resume"
    )
    (row,) = rows("s")
    assert row["state"] == "unfinished"


def test_trial_ends_with_the_process_that_started_it(tinynet, write_spec):
    """Or it would compute on unseen, and the resumed study could not train it."""
    path = write_spec(epochs=10**6)
    words = ["--param", f"{RATE}=log:1e-3:1e-1", "--trials", 1, "--run", "s", "--quiet"]
    running = start("tune", path, *words)
    wait_for_an_evaluation(running, Path("s/trials/0000/metrics.jsonl"))
    other = tinynet("tune", "--run", "s", "--resume")
    assert other.code == 75
    assert f"s is in use by process {running.pid}" in other.err
    running.kill()
    running.communicate(timeout=60)  # stderr is open until the trial has ended, too
    record = read_record(Path("s/trials/0000"))
    assert (record.state, record.step) == ("stopped", read_outline_step(record))


def read_outline_step(record):
    """Return the step of the newest checkpoint, which the file's name has."""
    return int(record.checkpoint.stem.removeprefix("step-"))


def test_search_without_a_result_says_why(tinynet, spec):
    words = ["--param", f"{RATE}=choice:1e300,1e301", "--sampler", "grid", "--run", "s"]
    done = tinynet("tune", spec, *words, "--set", "training.optimizer.type=sgd")
    assert done.code == 6
    last = done.err.splitlines()[-1]
    assert last.startswith("error: no trial has finished with a value; the first reason: the loss")
    assert not Path("s/best.json").exists()


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("study.json", "{", "s/study.json is not the plan of a study"),
        ("study.json", '{"version": 2}', "s/study.json is not the plan of a study"),
        ("journal.log", "x\ny\n", "s/journal.log is damaged"),
        ("journal.log", '{"op_code": 99}\n{}\n', "s/journal.log is damaged"),
    ],
)
def test_damaged_study_is_one_sentence(tinynet, spec, file, content, message):
    words = ["--param", f"{RATE}=log:1e-3:1e-1", "--trials", 1, "--timeout", 1e-9, "--run", "s"]
    assert tinynet("tune", spec, *words).code == 6  # no time for a trial
    Path("s", file).write_text(content)
    done = tinynet("tune", "--run", "s", "--resume")
    assert done.code == 4
    assert message in done.err


def test_wrong_use_is_one_sentence(tinynet, spec):
    for words, message in (
        (["--resume"], "--resume needs the study's folder: add --run FOLDER"),
        (["--run", "s"], "SPEC is missing"),
        (["--run", "s", "--resume"], "s is not a study"),
        ([spec], "declares nothing to tune; add --param"),
    ):
        done = tinynet("tune", *words)
        assert done.code in (2, 4)
        assert message in done.err


def test_other_ranges_do_not_continue_a_study(tinynet, spec):
    words = ["tune", spec, "--run", "s", "--resume", "--trials", 1]
    assert tinynet(*words, "--param", f"{RATE}=log:1e-3:1e-1").code == 0
    other = tinynet(*words, "--param", f"{RATE}=log:1e-4:1e-1")
    assert other.code == 2
    assert f"{RATE} was log:0.001:0.1, not log:0.0001:0.1" in other.err
    taken = tinynet("tune", spec, "--run", "s", "--param", f"{RATE}=log:1e-3:1e-1")
    assert taken.code == 2
    assert "s already exists; add --resume to continue it" in taken.err
