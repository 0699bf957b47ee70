"""Running the command, in this process and in one of its own, and small specs to run it on."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tinynet_cli.main import main

COMMAND = [sys.executable, "-c", "from tinynet_cli.main import main; main()"]

DIGITS: dict[str, Any] = {
    "tinynet": 1,
    "name": "small",
    "data": {"type": "digits", "transforms": [{"type": "scale", "factor": 0.0625}]},
    "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
    "training": {
        "epochs": 2,
        "batch_size": 256,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "adam", "learning_rate": 0.01},
        "metrics": ["accuracy"],
        "checkpoint": {"keep_best": {"metric": "val/loss"}},
    },
}

TABLE: dict[str, Any] = {
    "tinynet": 1,
    "name": "table",
    "data": {"type": "csv", "path": "table.csv", "target": "kind"},
    "network": {"layers": [{"type": "dense", "units": 2}]},
    "training": {
        "epochs": 30,
        "batch_size": 16,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "adam", "learning_rate": 0.1},
        "metrics": ["accuracy"],
    },
}


@dataclass(frozen=True)
class Result:
    """The outcome of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The JSON object on stdout, which must be its only line."""
        assert self.out.endswith("\n")
        assert self.out.count("\n") == 1
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of every test here: an empty one of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tinynet(capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """The command, run in this process."""

    def run(*words: object) -> Result:
        capfd.readouterr()
        code: Any = 0
        try:
            main([str(word) for word in words])
        except SystemExit as error:
            code = error.code
        out, err = capfd.readouterr()
        assert (code in (0, 1)) or "--debug" in words or "Traceback" not in err
        return Result(code or 0, out, err)

    return run


@pytest.fixture
def process() -> Callable[..., Result]:
    """The command, run in a process of its own."""

    def run(*words: object, **options: Any) -> Result:
        done = subprocess.run(
            [*COMMAND, *map(str, words)], capture_output=True, text=True, check=False, **options
        )
        return Result(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def fork_server() -> Iterator[socket.socket]:
    """The connection to a process that forks others; see `fork_server.py`."""
    ours, theirs = socket.socketpair()
    program, nothing = Path(__file__).with_name("fork_server.py"), subprocess.DEVNULL
    with ours, subprocess.Popen(
        [sys.executable, str(program), str(theirs.fileno())],
        stdin=nothing, stdout=nothing, pass_fds=[theirs.fileno()],
    ):  # fmt: skip
        theirs.close()
        yield ours
        ours.close()


@pytest.fixture
def fork(fork_server: socket.socket) -> Callable[..., Callable[[], int]]:
    """Start the command in a forked process with three streams; return a function that waits.

    That function returns the exit code, and must be called before the next start.
    """

    def run(
        streams: list[int], words: Sequence[object], env: Mapping[str, str]
    ) -> Callable[[], int]:
        if sys.platform == "darwin":  # whose BLAS may not be used after a fork
            stdin, out, err = streams
            command = [*COMMAND, *map(str, words)]
            return subprocess.Popen(command, stdin=stdin, stdout=out, stderr=err, env=env).wait
        request = {
            "words": list(map(str, words)),
            "folder": str(Path.cwd()),
            "environment": dict(env),
        }
        socket.send_fds(fork_server, [json.dumps(request).encode()], streams)
        return lambda: int(fork_server.recv(64))

    return run


@pytest.fixture
def forked(fork: Callable[..., Callable[[], int]]) -> Callable[..., Result]:
    """The command in a process of its own, like `process`, without the time of its imports."""

    def run(*words: object, env: Mapping[str, str] = os.environ) -> Result:
        with (
            open(os.devnull) as stdin,
            tempfile.TemporaryFile("w+") as out,
            tempfile.TemporaryFile("w+") as err,
        ):
            code = fork([stdin.fileno(), out.fileno(), err.fileno()], words, env)()
            for stream in (out, err):
                stream.seek(0)
            return Result(code, out.read(), err.read())

    return run


@pytest.fixture
def start() -> Callable[..., "subprocess.Popen[str]"]:
    """The command, started in a process of its own whose stderr is read line by line."""

    def run(*words: object) -> "subprocess.Popen[str]":
        pipe = subprocess.PIPE
        return subprocess.Popen([*COMMAND, *map(str, words)], stdout=pipe, stderr=pipe, text=True)

    return run


@pytest.fixture
def write_spec(folder: Path) -> Callable[..., Path]:
    """Write a spec; what it says of `training` is merged with the given."""

    def write(base: dict[str, Any] = DIGITS, name: str = "spec.json", **training: Any) -> Path:
        path = folder / name
        path.write_text(json.dumps({**base, "training": {**base["training"], **training}}))
        return path

    return write


@pytest.fixture
def spec(write_spec: Callable[..., Path]) -> Path:
    """A spec that trains in a moment."""
    return write_spec()


@pytest.fixture
def table_spec(folder: Path, write_spec: Callable[..., Path]) -> Path:
    """A spec that learns a table of two columns, and its table."""
    write_table(folder / "table.csv")
    return write_spec(TABLE, "table.json")


def write_table(path: Path, rows: int = 60) -> None:
    """Flowers: wide ones are roses, high ones lilies."""
    draw = np.random.default_rng(0)
    lines = ["width,height,kind"]
    for index in range(rows):
        wide, noise = index % 2, draw.normal(size=2) / 10
        lines.append(f"{wide + noise[0]},{1 - wide + noise[1]},{'rose' if wide else 'lily'}")
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def run(tinynet: Callable[..., Result], spec: Path) -> Path:
    """A finished run."""
    assert tinynet("train", spec, "--run", "done", "--quiet").code == 0
    return Path("done")


@pytest.fixture
def table_run(tinynet: Callable[..., Result], table_spec: Path) -> Path:
    """A finished run on the table."""
    assert tinynet("train", table_spec, "--run", "flowers", "--quiet").code == 0
    return Path("flowers")


@pytest.fixture
def plugin(folder: Path) -> Callable[..., dict[str, str]]:
    """Install a distribution of one layer, ``tinynet-odd:odd``, for processes of its own.

    Returns the environment in which it is installed.
    """

    def install(source: str, *, version: str = "1.2") -> dict[str, str]:
        site = folder / "site"
        facts = site / f"tinynet_odd-{version}.dist-info"
        facts.mkdir(parents=True)
        (site / "tinynet_odd.py").write_text(source)
        (facts / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: tinynet-odd\nVersion: {version}\n"
        )
        (facts / "entry_points.txt").write_text("[tinynet.layers]\nodd = tinynet_odd:Odd\n")
        paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}

    return install
