"""No name of a stranger controls the terminal: each is printed on a pseudo-terminal, escaped."""

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tinynet import archive

EVIL = "E\x1b]0;OWNED\x07\x9b31m\u202e\u2028\x7f\x08\r\nZ"
"""Sets the title, turns the color and the direction of text, deletes, and starts a line."""

RAW = ["\x1b]", "\x9b", "\x07", "\u202e", "\u2028", "\x7f", "\x08"]
"""Parts of it that no program of ours prints, not even a progress bar."""

DRIVER = """
import json, sys
from tinynet_cli.main import main
for words in json.loads(sys.argv[1]):
    try:
        main(words)
    except SystemExit as ended:
        print("exit code", ended.code)
    print("end of command", flush=True)
"""


@pytest.fixture
def on_terminal():
    """Run commands on a pseudo-terminal; return everything that it received.

    ``lines=False`` is for texts of several lines: tracebacks, and the documentation of a plugin.
    """

    def run(*commands, env=None, shown=True, lines=True):
        master, slave = pty.openpty()
        words = json.dumps([[str(word) for word in words] for words in commands])
        environment = {**(env or os.environ), "TERM": "xterm", "PYTHONUTF8": "1", "COLUMNS": "400"}
        child = subprocess.Popen(
            [sys.executable, "-c", DRIVER, words],
            stdin=slave, stdout=slave, stderr=slave, env=environment,
        )  # fmt: skip
        os.close(slave)
        received = b""
        while piece := _read(master):
            received += piece
        os.close(master)
        assert child.wait() == 0, received
        text = received.decode()
        raw = [part for part in RAW if part in text]
        assert not raw, f"{raw} in {text!r}"
        assert not lines or "\nZ" not in text, text
        assert all(ord(c) != 0x0D for c in text.replace("\r\n", "").replace("\r\x1b", ""))
        assert "exit code 1\r" not in text, text
        if shown:
            assert "OWNED" in text, f"the name was not printed at all: {text!r}"
        return text

    return run


def _read(master):
    try:
        return os.read(master, 65536)
    except OSError:  # as Linux ends a terminal whose last process has gone
        return b""


CHANGES = [
    {"name": EVIL},
    {EVIL: 1},
    {"network": {"layers": [{"type": EVIL}]}},
    {"network": {"layers": [{"type": "dense", "units": EVIL}]}},
    {"network": {"layers": [{"type": "dense", "units": 3, EVIL: 1}]}},
    {"network": {"layers": [{"type": "dense", "name": EVIL, "units": 10}]}},
    {"network": {"layers": ["flatten", {"type": "dense", "units": 10, "inputs": EVIL}]}},
    {"data": {"type": EVIL}},
    {"data": {"type": "csv", "path": EVIL, "target": "kind"}},
    {"training": {"epochs": 1, "loss": EVIL, "optimizer": EVIL, "metrics": [EVIL]}},
]
"""Of a spec: in each, a name or a value is that of a stranger."""


@pytest.fixture
def changed_specs(write_spec):
    """Return the paths of a good spec with each of the changes."""
    good = json.loads(write_spec().read_text())
    paths = [Path(f"spec-{number}.json") for number in range(len(CHANGES))]
    for path, change in zip(paths, CHANGES, strict=True):
        path.write_text(json.dumps({**good, **change}))
    return paths


def test_values_of_a_spec(on_terminal, changed_specs):
    commands = [(["check", path], ["train", path], ["diff", path, path]) for path in changed_specs]
    text = on_terminal(*(words for of_spec in commands for words in of_spec))
    outputs = text.split("end of command")
    for number, change in enumerate(CHANGES):
        shown = "".join(outputs[3 * number : 3 * number + 3])
        assert "OWNED" in shown, f"of {change} the name was not printed at all: {shown!r}"


def test_a_generated_text(on_terminal, tinynet, write_spec):
    Path("text.txt").write_text(EVIL * 9, encoding="utf-8", newline="")
    layers = [{"type": "embedding", "input_dim": 256, "output_dim": 2}, {"type": "dense"}]
    layers[1]["units"] = 256
    data = {"type": "text", "path": "text.txt", "length": 5, "unit": "byte"}
    path = write_spec({"tinynet": 1, "name": "text", "data": data, "network": {"layers": layers},
                       "training": {"steps": 1, "loss": "softmax_cross_entropy",
                                    "optimizer": "sgd"}})  # fmt: skip
    assert tinynet("train", path, "--run", "text", "--quiet").code == 0
    text = on_terminal(["generate", "text", "--prompt", EVIL, "--length", "999"], lines=False)
    assert "\\x1b]0;OWNED\\x07\\x9b31m" in text


def test_tracebacks_of_wrong_specs(on_terminal, changed_specs):
    on_terminal(*(["check", path, "--debug"] for path in changed_specs), lines=False)


def test_arguments(on_terminal, write_spec, run):
    spec = write_spec()
    on_terminal(
        [EVIL],
        [f"--{EVIL}"],
        ["train", f"--{EVIL}"],
        ["plugins", EVIL],
        ["layers", EVIL],
        ["layers", "--group", EVIL],
        ["train", EVIL],
        ["check", spec, "--set", f"training.{EVIL}=1"],
        ["check", spec, "--set", f"name={EVIL}"],
        ["check", spec, "--set", EVIL],
        ["train", spec, "--from", EVIL],
        ["train", spec, "--from", run, "--map", EVIL],
        ["train", spec, "--from", run, "--map", f"{EVIL}={EVIL}"],
        ["train", spec, "--run", "r2", "--kernels", EVIL],
        ["evaluate", EVIL],
        ["evaluate", run, "--checkpoint", EVIL],
        ["predict", run, EVIL],
        ["predict", run, "x.npy", "-o", EVIL],
        ["inspect", EVIL],
        ["summary", EVIL],
        ["diff", EVIL, EVIL],
        ["export", run, "-o", EVIL],
        ["import", EVIL, "--spec", spec, "-o", "made.msgpack"],
        ["plugins", "new", EVIL],
        ["plugins", "check", EVIL],
        ["plugins", "doctor", EVIL],
    )


def test_columns_and_labels_of_a_table(on_terminal, table_spec):
    text = Path("table.csv").read_text()
    table = text.replace("width", f'"{EVIL}"').replace("rose", f'"{EVIL}rose"')
    Path("table.csv").write_text(table)
    Path("new.csv").write_text(table.replace("height", "depth"))
    Path("more.csv").write_text("\n".join(table.splitlines()[:2]))
    on_terminal(
        ["check", table_spec],
        ["train", table_spec, "--run", "r"],
        ["inspect", "r/checkpoints/step-000000000000.msgpack"],
        ["predict", "r", "table.csv"],
        ["predict", "r", "new.csv"],
        ["evaluate", "r", "--split", "train"],
    )
    Path("table.csv").write_text(table + f'"{EVIL}","{EVIL}",rose\n')
    on_terminal(["train", table_spec, "--run", "r3"])


def test_names_of_files_and_folders(on_terminal, spec, run):
    evil = Path(EVIL)
    evil.mkdir()
    shutil.copy(spec, evil / "spec.json")
    shutil.copytree(run, evil / "run")
    checkpoints = evil / "run" / "checkpoints"
    (checkpoints / f"{EVIL}.bad").touch()
    newest = sorted(checkpoints.glob("step-*"))[-1]
    newest.write_bytes(b"damaged")
    np.save(evil / "x.npy", np.zeros((2, 8, 8, 1), np.float32))
    on_terminal(
        ["train", evil / "spec.json", "--run", evil / "new"],
        ["train", evil / "spec.json", "--run", evil / "new"],
        ["train", spec, "--from", evil / "run", "--run", "tuned"],
        ["train", spec, "--from", evil / "run", "--plan"],
        ["evaluate", evil / "run"],
        ["inspect", evil / "run"],
        ["watch", evil / "run"],
        ["watch", evil, "--once"],
        ["inspect", newest],
        ["diff", evil / "run", evil / "new"],
        ["predict", evil / "run", evil / "x.npy", "-o", evil / "y.csv"],
        ["predict", evil / "run", evil / "spec.json"],
        ["export", evil / "run", "-o", evil / "w.npz"],
        ["import", evil / "w.npz", "--spec", spec, "-o", evil / "made.msgpack"],
        ["schema", "-o", evil / "schema.json"],
        ["resume", evil / "run"],
        ["resume", evil / "new"],
        ["summary", evil / "run"],
        ["plugins", "new", "my-thing", "--into", evil],
    )


SOURCE = f"""
import sys, warnings
from pydantic import Field
from tinynet.config import Config as Base
from tinynet.builtin.layers.dense import Dense

warnings.warn({EVIL!r})

class Odd(Dense):
    {EVIL!r}

    class Config(Dense.Config):
        odd: str = Field(default={EVIL!r}, description={EVIL!r})

    def forward(self, *arguments):
        raise ValueError({EVIL!r})
"""


def test_a_plugin(on_terminal, plugin, write_spec):
    environment = plugin(SOURCE)
    base = json.loads(write_spec().read_text())
    path = write_spec({**base, "network": {"layers": ["flatten", {"type": "odd", "units": 10}]}})
    on_terminal(
        ["layers"],
        ["plugins", "list"],
        ["check", path],
        ["check", path, "--render"],
        ["train", path, "--run", "r"],
        env=environment,
    )
    on_terminal(
        ["layers", "odd"],
        ["plugins", "doctor", "odd"],
        ["plugins", "check", "odd", "--options", '{"units": 2}'],
        ["train", path, "--run", "r2", "--debug"],
        ["schema"],
        env=environment,
        lines=False,
    )


def test_the_metadata_of_a_plugin(on_terminal, plugin):
    version = EVIL.replace("\n", "").replace("\r", "")
    environment = plugin(SOURCE, version=f"1{version}")
    on_terminal(["plugins", "list"], ["plugins", "doctor"], env=environment)


def test_a_plugin_that_cannot_be_imported(on_terminal, plugin):
    environment = plugin(f"raise ImportError({EVIL!r})")
    on_terminal(
        ["layers"], ["layers", "odd"], ["layers", "odd", "--debug"], ["plugins", "doctor"],
        ["plugins", "check", "odd"], ["schema"], env=environment, lines=False,
    )  # fmt: skip


def test_keys_of_a_checkpoint(on_terminal, folder):
    for number, name in enumerate(("a.msgpack", "b.msgpack")):
        sections = {
            "spec": {"name": EVIL, EVIL: number},
            EVIL: {EVIL: [EVIL, number]},
            "types": {f"layers:{EVIL}": {EVIL: EVIL}},
            "progress": {"best": EVIL, EVIL: EVIL},
            "lineage": [{EVIL: {EVIL: number}}],
        }
        tensors = {"w": np.full(2, number), f"params/x{number}": np.zeros(1)}
        archive.write(name, sections, tensors, run_id=f"run{number}", step=0)
    on_terminal(
        ["inspect", "a.msgpack"],
        ["inspect", "a.msgpack", "--verify"],
        ["diff", "a.msgpack", "b.msgpack"],
    )
    on_terminal(["evaluate", "a.msgpack"], ["summary", "a.msgpack"], shown=False)


def test_a_lock_and_a_log(on_terminal, run):
    (run / "metrics.jsonl").write_text(EVIL)
    (run / "spec.json").write_text(json.dumps({EVIL: EVIL}))
    on_terminal(["resume", run, "--set", "training.epochs=3"], shown=False)
