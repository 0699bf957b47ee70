"""The one way to print: every stream takes it, and nothing that a stranger wrote steers it."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tinynet_cli
from tinynet_cli.commands import Command, Group
from tinynet_cli.main import tinynet as root
from tinynet_cli.output import echo_message, json_text, print_table, printable

import tinynet as tinynet_package

PACKAGE = Path(tinynet_cli.__file__).parent
COMMAND = [sys.executable, "-c", "from tinynet_cli.main import main; main()"]

HOSTILE = "a\x1b[2J\x9b31m\u202e\u2028\ud800\x7f\r\x00b"


def shell(script, *words):
    """Run the command within a line of shell, in which it is called "$@"."""
    return subprocess.run(
        ["sh", "-c", script, "sh", *COMMAND, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_no_other_module_prints():
    wrong = []
    for path in PACKAGE.glob("*.py"):
        if path.name in ("output.py", "streams.py", "entry.py"):  # entry: if imports fail
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            name = ast.unparse(node) if isinstance(node, ast.Attribute | ast.Name) else ""
            if name in ("click.echo", "click.secho", "print", "sys.stdout", "sys.stderr.write"):
                wrong.append(f"{path.name}:{node.lineno}: {name}")
    assert not wrong, "use tinynet_cli.output.echo"


def every_command(group=root):
    for command in group.commands.values():
        yield command
        if isinstance(command, Group):
            yield from every_command(command)


def test_every_command_reserves_stdout():
    assert all(isinstance(command, Command | Group) for command in every_command())


def test_a_character_that_is_not_visible_is_escaped():
    assert printable(HOSTILE) == r"a\x1b[2J\x9b31m\u202e\u2028\ud800\x7f\r\x00b"
    assert printable("é 日 🙂 \\") == "é 日 🙂 \\"
    assert printable("a\n\tb") == r"a\n\tb"
    assert printable("a\n\tb\x1b", multiline=True) == "a\n\tb\\x1b"


def test_json_is_visible_ascii_and_says_the_same():
    text = json_text({HOSTILE: HOSTILE})
    assert text.isascii()
    assert text.isprintable()
    assert json.loads(text) == {HOSTILE: HOSTILE}


def test_a_label_with_a_line_feed_stays_in_its_row(capsys):
    print_table(("na\nme", "size"), [("two\nlines", 1), ("one", 22)])
    assert capsys.readouterr().out == "na\\nme      size\ntwo\\nlines     1\none           22\n"


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_a_name_that_the_encoding_lacks_is_escaped(process, encoding):
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    result = process("layers", "é日", env=environment, encoding=encoding)
    assert (result.code, result.out) == (5, "")
    name = "é\\u65e5" if encoding == "latin-1" else "\\xe9\\u65e5"
    assert f"there is no layer '{name}'" in result.err


@pytest.mark.parametrize("lost", ["2>/dev/full", "2>&-"])
def test_losing_stderr_does_not_end_a_training(write_spec, lost):
    assert shell(f'"$@" {lost}', "train", write_spec(), "--run", "r").returncode == 0
    assert os.path.exists("r/checkpoints/step-000000000012.msgpack")


def test_a_full_disk_under_stdout_is_4_and_names_stdout(write_spec):
    done = shell('"$@" >/dev/full', "train", write_spec(), "--run", "r", "--quiet")
    assert done.returncode == 4
    reason = "No space left on device"
    assert done.stderr == f"error: standard output cannot be written: {reason}\n"
    assert os.path.exists("r/checkpoints/step-000000000012.msgpack"), "the run is saved"


@pytest.mark.parametrize(
    ("words", "code"), [(["layers"], 0), (["layers", "--json"], 0), (["--help"], 0)]
)
def test_a_reader_that_leaves_does_not_change_the_exit_code(start, words, code):
    running = start(*words)
    running.stdout.close()
    assert running.stderr.read() == ""
    running.stderr.close()
    assert running.wait(timeout=60) == code


def test_a_reader_that_leaves_does_not_disturb_a_training(write_spec):
    done = shell('{ "$@"; echo $? >code; } | true', "train", write_spec(), "--run", "r", "--quiet")
    assert done.stderr == ""
    assert Path("code").read_text() == "0\n"
    assert os.path.exists("r/checkpoints/step-000000000012.msgpack")


PRINTING = """
import os, sys
print("imported")
sys.stdout.flush()
os.write(1, b"written\\n")
os.system("echo from a child")

from tinynet.builtin.layers.dense import Dense

class Odd(Dense):
    def forward(self, *arguments):
        print("forward")
        return super().forward(*arguments)
"""


def test_what_a_plugin_prints_goes_to_stderr(forked, plugin, write_spec):
    odd = {"layers": ["flatten", {"type": "odd", "units": 10}]}
    base = json.loads(write_spec().read_text())
    path = write_spec({**base, "network": odd})
    done = forked("train", path, "--run", "r", "--json", "--quiet", env=plugin(PRINTING))
    assert done.code == 0
    assert done.json["finished"]
    for line in ("imported", "written", "from a child", "forward"):
        assert f"{line}\n" in done.err


def test_what_a_plugin_prints_is_not_in_the_schema(forked, plugin):
    done = forked("schema", env=plugin(PRINTING))
    assert "odd" in json.dumps(json.loads(done.out))


@pytest.mark.parametrize(
    "words",
    [["nope"], ["train"], ["layers", "--nope"], ["train", "spec.json", "--set", "x"], []],
)
def test_wrong_usage_is_one_json_object_too(tinynet, words):
    result = tinynet(*words, "--json")
    assert result.code == 2
    assert result.json["error"]["message"]
    assert result.err


def test_a_failure_after_the_object_adds_no_second_one(tinynet, forked, plugin):
    """`plugins doctor` prints its findings, and then ends with 5."""
    result = forked("plugins", "doctor", "--json", env=plugin("import nothing_like_it"))
    assert result.code == 5
    assert result.json["ok"] is False


def test_a_warning_of_python_is_one_escaped_line(forked, plugin, write_spec):
    source = f"import warnings\nwarnings.warn({HOSTILE!r})\n{PRINTING}"
    result = forked("layers", "odd", env=plugin(source))
    line = next(line for line in result.err.splitlines() if line.startswith("warning: "))
    assert line.startswith(f"warning: {printable(HOSTILE)} (UserWarning at ")


def test_a_folder_whose_name_is_not_utf_8_can_be_trained_from(process, forked, run, spec):
    """Names of files are bytes; a checkpoint holds text."""
    evil = Path(b"f\xff".decode("utf-8", "surrogateescape"))
    evil.mkdir()
    run.rename(evil / "run")
    assert process("evaluate", evil / "run").code == 0
    assert forked("export", evil / "run", "-o", evil / "w.npz").code == 0
    assert process("train", spec, "--from", evil / "run", "--run", "tuned").code == 0
    made = evil / "made.msgpack"
    assert forked("import", evil / "w.npz", "--spec", spec, "-o", made).code == 0
    made = forked("inspect", "tuned/checkpoints/step-000000000012.msgpack", "--json").json
    (origin,) = made["sections"]["lineage"]
    assert "/f\\xff/run/checkpoints/" in origin["transfer"]["file"]


def test_an_error_in_a_thread_of_a_plugin_is_escaped(forked, plugin):
    source = f"""
import threading

class Bad:
    def __del__(self):
        raise ValueError({HOSTILE!r})

def fail():
    raise ValueError({HOSTILE!r})

thread = threading.Thread(target=fail)
thread.start()
thread.join()
Bad()
"""
    result = forked("layers", "odd", env=plugin(source))
    assert result.err.count("ValueError: a\\x1b[2J\\x9b31m") == 2
    assert "\x1b" not in result.err


def test_further_lines_of_a_message_are_indented():
    """`echo_message` escapes every other line feed, since it may come from a name."""
    source = Path(tinynet_package.__file__).parent
    wrong = [
        f"{path.relative_to(source)}: {call.group()}"
        for path in source.rglob("*.py")
        for call in re.finditer(r'(Error|Warned)\("\\n"\.join', path.read_text(encoding="utf-8"))
    ]
    assert not wrong, 'join the lines by "\\n  "'


def test_a_message_of_several_lines_keeps_them(capsys):
    echo_message("two problems:\n  first\n  a\nb\x1b")
    assert capsys.readouterr().err == "two problems:\n  first\n  a\\nb\\x1b\n"
