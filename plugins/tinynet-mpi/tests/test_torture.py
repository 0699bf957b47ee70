"""Jobs whose processes are killed, stopped and interrupted, again and again.

``TORTURE_COUNT=200 python -m pytest -s plugins/tinynet-mpi/tests/test_torture.py`` says how often.
"""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress

import pytest

pytest.importorskip("mpi4py", reason="mpi4py is not installed")
from launching import MPIEXEC
from torture_jobs import (
    COUNT,
    GONE_WITHIN,
    TINYNET,
    Job,
    assert_same,
    own_lines,
    resumed,
    running,
    write_spec,
)

pytestmark = [
    pytest.mark.torture,
    pytest.mark.skipif(MPIEXEC is None, reason="there is no mpiexec: pip install mpich"),
    pytest.mark.skipif(not COUNT, reason="TORTURE_COUNT says how often"),
]


def reach(job, moment, draw):
    """Wait until a random moment of a kind; return False if the job has ended before."""
    end, target = time.monotonic() + draw.uniform(0, 2.5), job.steps() + draw.randint(1, 120)
    if moment == "start":
        return job.wait_until(lambda: time.monotonic() > end)
    reached = job.wait_until(lambda: job.steps() >= target)
    return reached and (moment == "step" or job.wait_until(job.saves))


def test_killed_jobs_resume_with_the_same_bits(tmp_path, whole):
    """Random processes are killed at random moments, and while the first one saves."""
    kills, ends, messages, runs = Counter(), [], Counter(), 0
    while sum(kills.values()) < COUNT:
        run = tmp_path / f"run-{runs}"
        draw, runs, alive = random.Random(runs), runs + 1, True
        while alive:
            processes = draw.choice((1, 2, 2, 3, 4))
            job = Job(run, processes)
            moment = draw.choice(("start", "step", "step", "save", "save"))
            victim = 0 if moment == "save" and draw.random() < 0.7 else draw.randrange(processes)
            if processes == 1:
                alive = job.end()[0] != 0
                continue
            reached = reach(job, moment, draw)
            pid = job.rank(victim) if reached else None
            if pid is None:
                code, lines = job.end()
                assert code == 0, (code, lines)
                alive = False
                continue
            killed = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            code, lines = job.end()
            if code == 0:  # The run was complete, and the processes were ending.
                alive = False
                continue
            ends.append(time.monotonic() - killed)
            kills[moment, victim == 0] += 1
            messages[len(own_lines(lines))] += 1
            if len(own_lines(lines)) > 1:
                print(moment, victim, processes, code, lines)
            assert ends[-1] < GONE_WITHIN
            print(
                len(ends),
                moment,
                victim,
                processes,
                code,
                f"{ends[-1]:.2f} s",
                own_lines(lines),
                flush=True,
            )
        assert_same(run, whole)
        shutil.rmtree(run)
    ends.sort()
    print(f"{len(ends)} kills in {runs} runs: {dict(kills)}; messages {dict(messages)}")
    print(f"gone after {ends[len(ends) // 2]:.2f} s in the middle, {ends[-1]:.2f} s at most")
    assert max(messages) <= 1


@pytest.mark.parametrize("victim", [0, 1, 2])
def test_a_stopped_process_ends_the_job(tmp_path, whole, victim):
    job = running(tmp_path / "run", 3, "--fleet-timeout", "4")
    os.kill(job.rank(victim), signal.SIGSTOP)
    code, lines = job.end()
    print(lines)
    assert code == 4
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 1
    assert re.search(r"(step|evaluation|save after step) .* ends the job", errors[0])
    resumed(job.run, 2, whole)


def test_a_process_that_is_stopped_for_a_while_changes_nothing(tmp_path, whole):
    job = running(tmp_path / "run", 2, "--fleet-timeout", "60")
    for victim in (1, 0):
        pid = job.rank(victim)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(1)
        os.kill(pid, signal.SIGCONT)
    code, lines = job.end()
    assert (code, own_lines(lines)) == (0, [])
    assert_same(job.run, whole)


def send(job, target, number):
    """Send a signal to the launcher, to a rank, or to all processes of the job."""
    if target == "launcher":
        pids = [job.launcher.pid]
    elif target == "all":
        pids = [pid for pid, rank in job.members().items() if rank is not None]
    else:
        pids = [job.rank(target)]
    for pid in pids:
        os.kill(pid, number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("target", ["launcher", 0, 1, "all"])
def test_signals_stop_all_processes_after_the_same_step(tmp_path, whole, target, number):
    job = running(tmp_path / "run", 2, step=random.randint(1, 60))
    send(job, target, number)
    code, lines = job.end()
    print(target, number, code, lines)
    (line,) = [line for line in lines if "Interrupted" in line]
    assert re.search(r"at step [\d,]+ and saved\. Continue with: tinynet resume", line)
    assert len(own_lines(lines)) == 1
    assert code == 128 + number
    resumed(job.run, random.choice((1, 3)), whole)


@pytest.mark.parametrize("target", ["launcher", 0, 1, "all"])
def test_two_signals_end_the_job(tmp_path, whole, target):
    """The second one may come before or after the save of the first."""
    job = running(tmp_path / "run", 2, step=random.randint(1, 60))
    send(job, target, signal.SIGINT)
    if target == "launcher":
        time.sleep(0.2)  # MPICH's own processes fail if it comes while they pass on the first one.
    with suppress(ProcessLookupError, TypeError):  # It may have ended.
        send(job, target, signal.SIGINT)
    code, lines = job.end()
    print(target, code, lines)
    assert code != 0
    assert len(own_lines(lines)) <= 1
    resumed(job.run, 2, whole)


def ranked(tmp_path, text):
    """Return the words of a launcher script: shell commands that a process runs before tinynet."""
    script = tmp_path / "ranked.sh"
    script.write_text(f'#!/bin/sh\n{text}\nexec "$@"\n')
    script.chmod(0o755)
    return [str(script)]


def write_table(folder, values):
    """Write a table, which is data of `CSV`."""
    folder.mkdir()
    rows = [f"{a},{b},{'yn'[a % 2]}" for a, b in enumerate(values)]
    (folder / "data.csv").write_text("\n".join(["a,b,kind", *rows]) + "\n")


CSV = {
    "tinynet": 1,
    "name": "table",
    "data": {"type": "csv", "path": "data.csv", "target": "kind"},
    "network": {"layers": [{"type": "dense", "units": 2}]},
    "training": {"epochs": 2, "batch_size": 8, "loss": "softmax_cross_entropy", "optimizer": "sgd"},
}


@pytest.mark.parametrize("odd", [0, 1, 2])
@pytest.mark.parametrize("kind", ["other values", "missing"])
def test_other_data_in_one_process_is_one_message(tmp_path, kind, odd):
    write_table(tmp_path / "one", range(40))
    write_table(tmp_path / "two", range(1, 41))
    if kind == "missing":
        (tmp_path / "two" / "data.csv").unlink()
    root = f'[ $PMI_RANK = {odd} ] && set -- "$@" --data-root {tmp_path}/two ||'
    words = ranked(tmp_path, f'{root} set -- "$@" --data-root {tmp_path}/one')
    (tmp_path / "spec.json").write_text(json.dumps(CSV))
    code, lines = launch(3, [*words, *TINYNET, "train", "spec.json", "--run", "run"], tmp_path)
    print(kind, odd, code, lines)
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 1
    assert code == (3 if kind == "missing" else 4)
    assert not (tmp_path / "run").exists()


def launch(processes, words, folder):
    """Run a command in several processes; return the exit code and the lines on stderr."""
    done = subprocess.run(
        [MPIEXEC, "-n", str(processes), *words],
        cwd=folder, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr.splitlines()


@pytest.mark.parametrize(("options", "code"), [("--fleet nothing", 5), ("--kernels nothing", 5)])
@pytest.mark.parametrize("odd", [0, 1])
def test_other_options_of_one_process_are_one_message(tmp_path, odd, options, code):
    words = ranked(tmp_path, f'[ $PMI_RANK = {odd} ] && set -- "$@" {options}')
    spec = write_spec(tmp_path / "run", epochs=1)
    command = [*words, *TINYNET, "train", str(spec), "--run", "run", "--quiet"]
    found, lines = launch(2, command, tmp_path)
    print(options, odd, found, lines)
    assert found == code
    assert len([line for line in lines if line.startswith("error: ")]) == 1


@pytest.mark.parametrize("at", ["first save", "later save"])
def test_a_full_disk_ends_the_job_with_one_message(tmp_path, whole, at):
    disk = tmp_path / "disk"
    disk.mkdir()
    size = 20 if at == "first save" else 56
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        code, lines = Job(disk / "run", 2).end()
        print(at, code, lines, sorted(os.listdir(disk / "run")))
        assert code == 4
        assert len(own_lines(lines)) == 1
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        resumed(disk / "run", 2, whole)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_folder_that_is_deleted_ends_the_job_with_one_message(tmp_path):
    job = running(tmp_path / "run", 2)
    shutil.rmtree(job.run, ignore_errors=True)
    code, lines = job.end()
    print(code, lines)
    assert code == 4
    assert len(own_lines(lines)) == 1
