"""A save that fails, is killed, or loses power leaves the old or the new file intact."""

import errno
import itertools
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tinynet import archive
from tinynet.archive import reading
from tinynet.errors import CheckpointError, CheckpointIOError
from tinynet.files import atomic

CALLS = ("open", "fstat", "preadv", "pwrite", "fsync", "close", "replace", "unlink")


class System:
    """A stand-in for ``os`` that calls an observer before each call."""

    def __init__(self, observe: Callable[[str, tuple[Any, ...]], None]) -> None:
        self._observe = observe

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in CALLS:
            return real

        def call(*args: Any, **keywords: Any) -> Any:
            try:
                self._observe(name, args)
            except OSError:
                if name == "close":
                    real(*args)
                raise
            return real(*args, **keywords)

        return call


def failing_at(number: int, code: int) -> Callable[[str, tuple[Any, ...]], None]:
    """Return an observer that makes one call fail, counted from 0."""
    countdown = itertools.count()

    def fail(name: str, args: tuple[Any, ...]) -> None:
        if next(countdown) == number:
            raise OSError(code, os.strerror(code))

    return fail


def content(step: int) -> dict[str, Any]:
    return {
        "sections": {"step": step},
        "tensors": {"x": np.full(300, step, np.float32), "y": np.full(7, step, np.uint8)},
        "run_id": "run",
        "step": step,
    }


OLD, NEW = content(1), content(2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A checkpoint that holds `OLD`."""
    path = tmp_path / "checkpoint"
    archive.write(path, **OLD)
    return path


def loaded(path: Path) -> int:
    """Return which of the two contents the file has."""
    content = archive.read(path)
    for expected in (OLD, NEW):
        if content.step == expected["step"]:
            assert content.sections == expected["sections"]
            for name, array in expected["tensors"].items():
                assert np.array_equal(content.tensors[name], array)
    return content.step


def trace(path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Any, ...]]]:
    """Return the system calls of saving `NEW` over `OLD`."""
    calls: list[tuple[str, tuple[Any, ...]]] = []
    with monkeypatch.context() as patch:
        patch.setattr(
            atomic,
            "os",
            System(
                lambda name, args: calls.append(
                    (name, tuple(bytes(a) if isinstance(a, memoryview) else a for a in args))
                )
            ),
        )
        archive.write(path, **NEW)
    return calls


def test_a_save_makes_the_system_calls_of_the_protocol(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [name for name, _ in trace(path, monkeypatch)]
    steps = [name for name, _ in itertools.groupby(calls)]
    assert steps == ["open", "pwrite", "fsync", "close", "replace", "fsync", "close"]


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EMFILE, errno.EROFS])
def test_every_call_may_fail(path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """The old file stays until the new one is complete, and no temporary file is left."""
    calls = [name for name, _ in trace(path, monkeypatch)]
    for failing in range(len(calls)):
        archive.write(path, **OLD)
        with monkeypatch.context() as patch:
            patch.setattr(atomic, "os", System(failing_at(failing, code)))
            with pytest.raises(CheckpointIOError, match=os.strerror(code)) as caught:
                archive.write(path, **NEW)
        assert str(path) in str(caught.value)
        assert os.listdir(path.parent) == [path.name]
        assert loaded(path) == (2 if failing > calls.index("replace") else 1)


def test_every_call_of_a_read_may_fail(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(reading, "os", System(lambda name, args: calls.append(name)))
    archive.read(path)
    assert set(calls) == {"open", "fstat", "preadv", "close"}
    for failing in range(len(calls)):
        monkeypatch.setattr(reading, "os", System(failing_at(failing, errno.EIO)))
        with pytest.raises(CheckpointIOError, match=f"{path}: {os.strerror(errno.EIO)}"):
            archive.read(path)


def test_a_failed_sync_is_not_tried_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second sync would succeed although the data are lost."""
    syncs = []

    def fail(name: str, args: tuple[Any, ...]) -> None:
        if name == "fsync":
            syncs.append(args)
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(atomic, "os", System(fail))
    with pytest.raises(CheckpointIOError):
        archive.write(path, **NEW)
    assert len(syncs) == 1


def test_short_writes_are_continued(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(System):
        def pwrite(self, descriptor: int, data: memoryview, offset: int) -> int:
            return os.pwrite(descriptor, data[:7], offset)

    monkeypatch.setattr(atomic, "os", Slow(lambda name, args: None))
    archive.write(path, **NEW)
    assert loaded(path) == 2


def test_an_interrupt_leaves_nothing_behind(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(name: str, args: tuple[Any, ...]) -> None:
        if name == "fsync":
            raise KeyboardInterrupt

    monkeypatch.setattr(atomic, "os", System(interrupt))
    with pytest.raises(KeyboardInterrupt):
        archive.write(path, **NEW)
    assert os.listdir(path.parent) == [path.name]
    assert loaded(path) == 1


def test_a_folder_that_vanished_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointIOError, match="No such file or directory"):
        archive.write(tmp_path / "gone" / "checkpoint", **NEW)


def crash_states(
    calls: list[tuple[str, tuple[Any, ...]]], old: bytes
) -> Iterator[tuple[str, bytes, bool]]:
    """Yield every state of the disk after a power loss, under a model of possible losses.

    A crash may come after each call. Bytes of the temporary that were written since its last sync
    are there, or lost, or zero, or cut off, each write on its own. A rename that no sync of the
    folder followed has happened or not. Yields the call of the crash, the content of the file, and
    whether the save had been acknowledged.
    """
    draw = random.Random(0)
    for crash in range(len(calls) + 1):
        synced, unsynced = bytearray(), []
        renamed = durable = False
        for name, args in calls[:crash]:
            if name == "pwrite":
                unsynced.append((args[2], args[1]))
            elif name == "fsync" and renamed:
                durable = True
            elif name == "fsync":
                for offset, data in unsynced:
                    put(synced, offset, data)
                unsynced = []
            elif name == "replace":
                renamed = True
        where = f"after {crash} calls"
        if not durable:
            yield where, old, False
        if renamed:
            for lost in losses(bytes(synced), unsynced, draw):
                yield where, lost, durable


def put(target: bytearray, offset: int, data: bytes) -> None:
    target.extend(bytes(max(0, offset + len(data) - len(target))))
    target[offset : offset + len(data)] = data


def losses(
    synced: bytes, unsynced: list[tuple[int, bytes]], draw: random.Random
) -> Iterator[bytes]:
    """Yield the possible contents of a file after a crash between its syncs."""
    whole = bytearray(synced)
    for offset, data in unsynced:
        put(whole, offset, data)
    yield bytes(whole)
    if not unsynced:
        return
    yield synced
    yield bytes(len(whole))
    for cut in (1, len(whole) // 2, len(whole) - 1):
        yield bytes(whole[:cut])
        yield bytes(whole[:cut]) + bytes(len(whole) - cut)
    for _ in range(20):
        some = bytearray(synced)
        for offset, data in unsynced:
            kept = draw.choice((data, bytes(len(data)), data[: len(data) // 2], b""))
            put(some, offset, kept)
        yield bytes(some)


def violations(calls: list[tuple[str, tuple[Any, ...]]], old: bytes, path: Path) -> list[str]:
    """Return the crash states without either content, or without an acknowledged one."""
    problems = []
    for where, data, acknowledged in crash_states(calls, old):
        path.write_bytes(data)
        try:
            if acknowledged and loaded(path) != 2:
                problems.append(f"{where}: the acknowledged content is gone")
            loaded(path)
        except CheckpointError as error:
            problems.append(f"{where}: {error}")
    return problems


def test_every_crash_state_holds_old_or_new(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = path.read_bytes()
    calls = trace(path, monkeypatch)
    assert violations(calls, old, path) == []
    assert list(crash_states(calls, old))[-1][2]


def test_the_crash_model_detects_a_missing_sync(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the test above could not fail."""
    old = path.read_bytes()
    calls = trace(path, monkeypatch)
    del calls[[name for name, _ in calls].index("fsync")]
    assert violations(calls, old, path)


def run(program: str, *arguments: object, before: Sequence[str] = ()) -> str:
    """Run a program that starts with the two contents; return its output."""
    start = (
        "import os, resource, signal, sys\n"
        "from pathlib import Path\n"
        "import numpy as np\n"
        "from tinynet import archive\n"
        "from tinynet.files import atomic\n"
        "from tinynet.errors import CheckpointIOError\n"
        "path = Path(sys.argv[1])\n"
        "big = {'x': np.ones((1024, 1024), np.float32)}\n"
    )
    return subprocess.run(
        [*before, sys.executable, "-c", start + program, *map(str, arguments)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_a_full_disk_leaves_the_old_file(path: Path) -> None:
    """With a limit on the size of files, the first writes succeed, one is short, one fails."""
    printed = run(
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try:\n"
        "    archive.write(path, {}, big, run_id='run', step=2)\n"
        "except CheckpointIOError as error:\n"
        "    print(error)\n",
        path,
    )
    assert "File too large" in printed
    assert os.listdir(path.parent) == [path.name]
    assert loaded(path) == 1


def test_a_full_disk_of_one_mib_leaves_the_old_file(tmp_path: Path) -> None:
    """A tmpfs in its own mount namespace, where the machine allows it."""
    mount = 'mount -t tmpfs -o size=1m tmpfs "$1" && shift && exec "$@"'
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]
    try:
        subprocess.run([*unshare, str(tmp_path), "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no tmpfs can be mounted here")
    printed = run(
        "small = {'x': big['x'][:100]}\n"
        "archive.write(path, {}, small, run_id='run', step=1)\n"
        "try:\n"
        "    archive.write(path, {}, big, run_id='run', step=2)\n"
        "except CheckpointIOError as error:\n"
        "    print(error)\n"
        "print(archive.read(path).step, os.listdir(path.parent))\n",
        tmp_path / "checkpoint",
        before=[*unshare, str(tmp_path)],
    )
    assert printed.splitlines() == [
        f"{tmp_path / 'checkpoint'}: No space left on device",
        "1 ['checkpoint']",
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="macOS does not enforce the limit")
def test_lack_of_memory_is_an_error_that_names_it(path: Path) -> None:
    """Converting an array needs memory, and so does reading."""
    printed = run(
        "archive.write(path.with_name('big'), {}, big, run_id='run', step=2)\n"
        "used = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 2**20, used + 2**20))\n"
        "for attempt in (\n"
        "    lambda: archive.read(path.with_name('big')),\n"
        "    lambda: archive.write(path, {}, {'x': big['x'].T}, run_id='run', step=2),\n"
        "):\n"
        "    try:\n"
        "        attempt()\n"
        "    except CheckpointIOError as error:\n"
        "        print(error)\n",
        path,
    )
    assert printed.splitlines() == [
        f"{path.with_name('big')}: not enough memory",
        f"{path}: not enough memory",
    ]
    assert sorted(os.listdir(path.parent)) == ["big", path.name]
    assert loaded(path) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_kill_9_before_any_call_leaves_the_old_or_new_file(path: Path) -> None:
    """The next process recognizes the temporary file by its name, and removes it."""
    printed = run(
        "class Deadly:\n"
        "    def __init__(self, left):\n"
        "        self.left = left\n"
        "    def __getattr__(self, name):\n"
        "        if name in ('open', 'pwrite', 'fsync', 'close', 'replace'):\n"
        "            self.left -= 1\n"
        "            if self.left < 0:\n"
        "                os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return getattr(os, name)\n"
        "old = path.read_bytes()\n"
        "killed = True\n"
        "left = 0\n"
        "while killed:\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        atomic.os = Deadly(left)\n"
        "        archive.write(path, {}, big, run_id='run', step=2)\n"
        "        os._exit(0)\n"
        "    killed = os.waitpid(child, 0)[1] == signal.SIGKILL\n"
        "    print(archive.read(path).step, len(atomic.leftovers(path.parent)))\n"
        "    for temporary in atomic.leftovers(path.parent):\n"
        "        temporary.unlink()\n"
        "    assert os.listdir(path.parent) == [path.name]\n"
        "    path.write_bytes(old)\n"
        "    left += 1\n",
        path,
    )
    states = [tuple(map(int, line.split())) for line in printed.splitlines()]
    assert set(states) == {(1, 0), (1, 1), (2, 0)}
    assert states == sorted(states, key=lambda state: state[0])


def test_leftovers_lists_only_temporary_files(tmp_path: Path, small: SimpleNamespace) -> None:
    archive.write(tmp_path / "step-000000000001.msgpack", **vars(small))
    (tmp_path / ".hidden.tmp").touch()
    left = tmp_path / ".tinynet-0123456789abcdef.tmp"
    left.touch()
    assert atomic.leftovers(tmp_path) == [left]
