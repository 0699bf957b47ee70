"""Completion in a real shell: a name of a file is a word of the line, never a command."""

import os
import pty
import select
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tinynet_cli.main import tinynet as root
from tinynet_cli.shells import SHELLS, VARIABLE, bash_words

BASH = shutil.which("bash")

STUB = f"""#!/bin/sh
[ "$1" = completion ] || [ -n "$_TINYNET_COMPLETE" ] && exec {sys.executable} -m tinynet "$@"
printf '<%s>' "$@"
"""
"""A command that completes as tinynet does, and shows its arguments."""


def until_prompt(terminal: int) -> str:
    """Return all that the shell writes until it waits for the next line."""
    written = b""
    while not written.endswith(b"\nREADY\r\n"):
        ready, _, _ = select.select([terminal], [], [], 60)
        assert ready, written.decode()
        written += os.read(terminal, 4096)
    return written.decode().replace("\r", "").removesuffix("\nREADY\n")


@pytest.fixture
def bash(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """Type a line into bash, Tab and Enter; return the words that the command gets."""
    if BASH is None or sys.platform == "darwin":
        pytest.skip("no bash that is new enough for completion")
    (folder / "bin").mkdir()
    (folder / "bin/tinynet").write_text(STUB)
    (folder / "bin/tinynet").chmod(0o755)
    (folder / "empty").mkdir()
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
    for name, value in {
        "PS1": "",
        "PROMPT_COMMAND": "printf '\\nREADY\\n'",
        "TERM": "dumb",
        "INPUTRC": "/dev/null",
    }.items():
        monkeypatch.setenv(name, value)
    ours, theirs = pty.openpty()
    command = [BASH, "--norc", "--noprofile", "-i"]
    with (
        subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        ) as shell,
        ExitStack() as context,
    ):
        context.callback(os.close, ours)
        context.callback(shell.kill)
        os.close(theirs)
        until_prompt(ours)

        def enter(line: str) -> str:
            os.write(ours, f"{line}\n".encode())
            return until_prompt(ours)

        def complete(line: str) -> str:
            return enter(f"{line}\t").rpartition("\n")[2]

        enter('eval "$(tinynet completion bash)"')
        enter("cd empty")
        yield complete


NAMES = [
    "z$(touch pwned).json",
    "q;touch x;.json",
    "w `id` 'a'.json",
    'd"!x!$HOME.json',
    "a=b:c.json",
]


def test_a_name_is_one_word_and_never_a_command(bash):
    for name in [*NAMES, "n\nl.json"]:
        (Path("empty") / name).touch()
    for begun in ("z", "q", "'w", '"d', "a="):
        (name,) = (name for name in NAMES if name.startswith(begun.strip("\"'")))
        assert bash(f"tinynet train {begun}") == f"<train><{name}>"
    assert bash("tinynet train n") == "<train><n>", "a name of two lines is not offered"
    assert bash("tinynet train x --set=training.ep") == "<train><x><--set=training.epochs=>"
    assert sorted(os.listdir("empty")) == sorted([*NAMES, "n\nl.json"])


@pytest.mark.parametrize(
    ("line", "replaced", "value", "inserted"),
    [
        ("tinynet train ", "", "a b.json", r"a\ b.json"),
        ("tinynet train 'it", "it", "it's", r"it'\''s"),
        ("tinynet train w'", "", "w b", " b"),
        ("tinynet train ~/s", "~/s", "~/sp c", r"~/sp\ c"),
        ("tinynet train a\\ ", "a\\ ", "a b", r"a\ b"),
        ("tinynet train x --set=vars.", "vars.", "--set=vars.$(id)=", r"vars.\$\(id\)="),
    ],
)
def test_only_the_part_that_bash_replaces_is_quoted_and_sent(line, replaced, value, inserted):
    assert bash_words([value], line, replaced) == [inserted]


@pytest.mark.parametrize("shell", SHELLS)
def test_names_with_control_characters_are_offered_to_no_shell(folder, shell):
    Path("a\nplain,x.json").touch()
    Path("a b.json").touch()
    completion = SHELLS[shell](root, {}, "tinynet", VARIABLE)
    found = completion.get_completions(["train"], "a")
    assert [item.value for item in found] == ["a b.json"]
