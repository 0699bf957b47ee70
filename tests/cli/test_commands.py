"""Finding the command and its options: before or after it, misspelt, or of another command."""

import pytest
from tinynet_cli.commands import Group, _leaves
from tinynet_cli.main import tinynet as root

CONTEXT = root.make_context("tinynet", ["layers"])
COMMANDS = dict(_leaves(CONTEXT))


def options(command):
    return {name: p for p in command.params for name in p.opts if name.startswith("-")}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["--json", "layers"], ["layers", "--json"]),
        (["--group", "kernels", "layers"], ["layers", "--group", "kernels"]),
        (["--group=kernels", "plugins", "list"], ["plugins", "list", "--group", "kernels"]),
        (["--json", "plugins", "list"], ["plugins", "list", "--json"]),
        (["plugins", "--json", "list"], ["plugins", "list", "--json"]),
        (["--json", "--max-params", "9", "check", "spec.json"],
         ["check", "spec.json", "--json", "--max-params", "9"]),
        (["--debug", "summary", "spec.json"], ["summary", "--debug", "spec.json"]),
        (["--set", "name=x", "check", "spec.json"], ["check", "--set", "name=x", "spec.json"]),
    ],
)  # fmt: skip
def test_an_option_may_stand_before_the_command(tinynet, spec, before, after):
    first, second = tinynet(*before), tinynet(*after)
    assert (first.code, first.out) == (second.code, second.out)


def test_options_of_training_may_stand_before_the_command(tinynet, spec):
    words = ("--threads", 1, "--quiet", "--kernels", "numpy")
    result = tinynet(*words, "train", spec, "--run", "r", "--json")
    assert result.json["finished"]
    assert result.err == ""


@pytest.mark.parametrize("words", [["--threads", 1, "layers"], ["layers", "--threads", 1]])
def test_an_option_of_other_commands_names_them(tinynet, words):
    result = tinynet(*words)
    assert result.code == 2
    last = result.err.splitlines()[-1]
    start, _, names = last.partition("; commands with it: ")
    assert start == "error: tinynet layers has no option --threads"
    having = [path for path, command in COMMANDS.items() if "--threads" in options(command)]
    assert [f"tinynet {name}" for name in names.split(", ")] == having


def test_an_option_takes_a_value_in_every_command_or_in_none():
    """So that the command can be found behind it."""
    kinds = {}
    for command in COMMANDS.values():
        for name, option in options(command).items():
            kinds.setdefault(name, set()).add((option.is_flag, option.nargs))
    assert {name: kind for name, kind in kinds.items() if len(kind) > 1} == {}


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("trian", "tinynet train"),
        ("eval", "tinynet evaluate"),
        ("Export", "tinynet export"),
        ("doctor", "tinynet plugins doctor"),
        ("list", "tinynet plugins list"),
        ("verify_resume", "tinynet verify-resume"),
        ("version", "tinynet --version"),
        ("hlep", "tinynet help"),
    ],
)
def test_a_near_command_is_suggested_and_there_is_one(tinynet, word, meant):
    result = tinynet(word)
    assert result.code == 2
    assert result.err.splitlines()[-1] == (
        f"error: there is no command {word!r}; did you mean: {meant}"
    )
    assert tinynet(*meant.split()[1:], "--help").code == 0


@pytest.mark.parametrize("word", ["fit", "x", ""])
def test_without_a_near_command_all_are_listed_by_purpose(tinynet, word):
    result = tinynet(word)
    assert result.code == 2
    assert "did you mean" not in result.err
    assert f"there is no command {word!r}; to start: init, new; to train: train" in result.err
    for name in root.commands:
        assert name in result.err


def test_every_command_has_a_purpose():
    listed = [name for names in root.purposes.values() for name in names]
    assert sorted(listed) == sorted(root.commands)


def test_a_group_lists_its_commands(tinynet):
    result = tinynet("plugins", "nope")
    assert "there is no command 'nope'; available: check, doctor, list, new" in result.err


@pytest.mark.parametrize("words", [["--thread", 1, "train"], ["train", "--thread", 1]])
def test_a_near_option_is_suggested(tinynet, words):
    result = tinynet(*words)
    assert result.code == 2
    assert "--threads" in result.err.splitlines()[-1]


def test_groups_have_no_options_of_their_own():
    """An option before a command is the command's, so a group must not take it away."""
    for command in [root, *(c for c in root.commands.values() if isinstance(c, Group))]:
        assert set(options(command)) <= {"--version", "-V"}


def test_options_without_a_command_show_the_help(tinynet):
    result = tinynet("--json")
    assert result.code == 2
    assert result.json["error"]["message"] == "a command is missing"
    assert result.err.startswith("Usage: tinynet")
