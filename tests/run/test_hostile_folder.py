"""Untrusted run folders: files outside the folder are never changed."""

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
from tinynet_cli.main import main

import tinynet
from tests.small_spec import HUNDRED, small_spec
from tinynet.errors import (
    CheckpointCorruptError,
    CheckpointError,
    CheckpointIOError,
    RunExistsError,
)
from tinynet.files import strict
from tinynet.files.atomic import replacing_output
from tinynet.run import log as logs
from tinynet.run.folder import RunFolder
from tinynet.run.lock import locked
from tinynet.run.log import RunLog, last_figures, read_log

SGD = {"type": "sgd", "learning_rate": 0.001}
SPEC = small_spec("hostile", data=HUNDRED, steps=4, batch_size=16, optimizer=SGD)

MORE = {"training.steps": 8}
VICTIM = b"a file of the user\n"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "run"
    tinynet.train(SPEC, path)
    return path


@pytest.fixture
def run(finished, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("victim").write_bytes(VICTIM)
    return RunFolder(Path(shutil.copytree(finished, tmp_path / "run")))


def link(path):
    path.unlink(missing_ok=True)
    path.symlink_to(Path("victim").resolve())


def hard_link(path):
    path.unlink(missing_ok=True)
    os.link("victim", path)


def pipe(path):
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def folder(path):
    path.unlink(missing_ok=True)
    path.mkdir()


def device(path):
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/null")


def call(*words):
    """Run the command in this process and return its exit code."""
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    return left.value.code


@pytest.mark.parametrize("kind", [link, hard_link, pipe, folder, device])
@pytest.mark.parametrize("name", ["run.lock", "metrics.jsonl"])
def test_lock_and_log_must_be_regular_files_with_one_link(run, name, kind, capfd):
    kind(run.path / name)
    before = sorted(os.listdir(run.checkpoints))
    assert call("resume", "run", "--set", "training.steps=8") == 4
    message = capfd.readouterr().err
    assert message.startswith(f"error: run/{name} ")
    assert message.count("\n") == 1
    assert Path("victim").read_bytes() == VICTIM
    assert sorted(os.listdir(run.checkpoints)) == before


@pytest.mark.parametrize("kind", [link, pipe, folder, device])
def test_spec_must_be_a_regular_file(run, kind):
    kind(run.spec)
    with pytest.raises(CheckpointIOError, match=r"spec\.json is a .* a regular file is expected"):
        tinynet.resume(run.path, overrides=MORE)
    assert Path("victim").read_bytes() == VICTIM


def test_checkpoint_folder_must_not_be_a_link(run):
    """Otherwise pruning and cleaning would remove files of another run."""
    elsewhere = run.path.parent / "elsewhere"
    run.checkpoints.rename(elsewhere)
    run.checkpoints.symlink_to(elsewhere)
    (elsewhere / ".tinynet-0123456789abcdef.tmp").touch()
    before = sorted(os.listdir(elsewhere))
    for call in (
        lambda: tinynet.resume(run.path, overrides=MORE),
        lambda: tinynet.train(SPEC, run.path),
        lambda: tinynet.train(SPEC, run.path, resume=True),
        lambda: tinynet.evaluate(run.path),
        run.require_unused,
        run.clean,
    ):
        with pytest.raises((CheckpointIOError, RunExistsError)):
            call()
    assert sorted(os.listdir(elsewhere)) == before


def test_run_folder_may_be_a_link(run):
    Path("short").symlink_to(run.path)
    assert tinynet.resume("short", overrides=MORE).step == 8


def test_suggested_command_for_a_hard_link_works(run, capfd):
    hard_link(run.lock)
    with pytest.raises(CheckpointIOError) as caught:
        tinynet.resume("run", overrides=MORE)
    command = str(caught.value).partition("of its own: ")[2]
    assert os.system(command) == 0
    assert tinynet.resume("run", overrides=MORE).step == 8
    assert Path("victim").read_bytes() == VICTIM


def test_linked_checkpoint_is_set_aside_as_a_link(run):
    link(run.checkpoint(9))
    with pytest.warns(UserWarning, match="it is a symbolic link"):
        assert tinynet.resume(run.path, overrides=MORE).step == 8
    assert Path("victim").read_bytes() == VICTIM
    assert (run.checkpoints / f"{run.checkpoint(9).name}.bad").is_symlink()


@pytest.mark.parametrize(
    "name",
    [
        "step-0000000000000009.msgpack",
        "step-" + "9" * 240 + ".msgpack",
        "step-00000000000٩.msgpack",
        "step-000000000004.msgpack\n",
        "\x1b[2J",
        "-rf",
    ],
)
def test_files_with_other_names_are_not_checkpoints(run, name):
    (run.checkpoints / name).write_bytes(b"?")
    assert run.steps() == [0, 4]
    assert tinynet.resume(run.path, overrides=MORE).step == 8


@pytest.mark.parametrize("kind", [link, pipe, folder, device])
def test_log_must_be_a_regular_file(run, kind):
    kind(run.log)
    with pytest.raises(CheckpointIOError, match="a regular file is expected"):
        read_log(run.log)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"{", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"1" * 5000, "is not JSON"),
        (b"3", "is not a JSON object"),
        (b"", "is not JSON"),
    ],
)
def test_malformed_log_line_is_an_error(run, line, fault):
    run.log.write_bytes(b'{"step": 1}\n' + line + b"\n")
    for read in (read_log, last_figures):
        with pytest.raises(CheckpointCorruptError, match=rf"^line 2 of .*metrics\.jsonl {fault}"):
            read(run.log)


def test_long_log_line_is_an_error(run, monkeypatch):
    monkeypatch.setattr(logs, "_MAX_LINE", 100)
    run.log.write_bytes(b"{" * 101)
    with pytest.raises(CheckpointCorruptError, match=r"line 1 of .* is longer than 100 bytes"):
        read_log(run.log)


def test_figures_of_a_log_are_numbers_only(run):
    record = {"step": 1, "epoch": 1, "train/loss": None, "x": "text", "y": 0.5, "wall": {}}
    run.log.write_text(json.dumps(record) + "\n")
    assert str(last_figures(run.log)) == "{'train/loss': nan, 'y': 0.5}"


def test_incomplete_last_log_line_is_ignored(run):
    run.log.write_bytes(b'{"step": 1}\n{"st')
    assert read_log(run.log) == [{"step": 1}]


def test_file_replaced_by_a_link_before_opening_is_an_error(run, monkeypatch):
    status = os.lstat(run.log)
    link(run.log)
    real = os.lstat
    examined = []

    def lstat(path):
        examined.append(path)
        return status if len(examined) == 1 else real(path)

    monkeypatch.setattr(strict.os, "lstat", lstat)
    with pytest.raises(CheckpointIOError, match="is a symbolic link"):
        read_log(run.log)


def test_long_text_of_a_lock_is_truncated(run):
    with locked(run.lock):
        run.lock.write_text("x" * 10**6 + "\nsecond")
        with pytest.raises(Exception, match=r"is in use by x{300}$"), locked(run.lock):
            pass


def full(*arguments):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_error_for_a_full_disk_names_the_lock(run, monkeypatch):
    monkeypatch.setattr("tinynet.run.lock.os.write", full)
    with pytest.raises(CheckpointIOError, match=r"run\.lock: No space"):
        tinynet.resume(run.path, overrides=MORE)


def test_error_for_a_full_disk_names_the_log_once(run):
    """Closing a file flushes it again, which fails again."""
    small = Path("/dev/full")
    assert small.exists()
    log = RunLog(run.log, None)
    descriptor = os.open(small, os.O_WRONLY)
    os.dup2(descriptor, log._file.fileno())
    os.close(descriptor)
    with pytest.raises(CheckpointIOError) as caught, log:
        log.append({"step": 1})
    assert str(caught.value) == f"{run.log}: No space left on device"


def test_writing_through_a_link_keeps_the_link(tmp_path):
    target, name = tmp_path / "target", tmp_path / "name"
    name.symlink_to(target)
    for text in (b"first", b"second"):
        with replacing_output(name) as write_at:
            write_at(0, text)
        assert target.read_bytes() == text
        assert name.is_symlink()


@pytest.mark.parametrize("kind", [pipe, folder, device])
def test_output_must_be_a_regular_file(tmp_path, kind):
    kind(tmp_path / "out")
    with pytest.raises(CheckpointError, match=r"is a .*; name a regular file"):  # noqa: SIM117
        with replacing_output(tmp_path / "out"):
            pass


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (pipe, "is a pipe"),
        (device, "is a device"),
        (link, "is a file"),
        (lambda path: path.symlink_to("gone"), "is a symbolic link to gone, which does not exist"),
    ],
)
def test_run_folder_must_not_be_another_kind_of_file(run, kind, words):
    kind(Path("new"))
    with pytest.raises(RunExistsError, match=f"new {words}; a run needs a folder"):
        tinynet.train(SPEC, "new")
    with pytest.raises(CheckpointIOError, match=f"^new {words}, and a folder is expected there"):
        tinynet.train(SPEC, "new/run")
