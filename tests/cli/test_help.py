"""Help, the version, shortcuts of `--set`, and completion in a shell."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tinynet_cli.main import tinynet as root
from tinynet_cli.shells import VARIABLE, Bash

import tinynet as package


def complete(line):
    """Return the completions of the last word of a command line."""
    *words, begun = line.split(" ")
    completion = Bash(root, {}, "tinynet", VARIABLE)
    return [item.value for item in completion.get_completions(words, begun)]


def test_python_m_is_the_command():
    command = [sys.executable, "-m", "tinynet", "-V"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"tinynet, version {package.__version__}\n"


@pytest.mark.parametrize("words", [[], ["train"], ["plugins", "new"]])
def test_help_is_that_of_the_command(tinynet, words):
    assert tinynet("help", *words).out == tinynet(*words, "--help").out


def test_help_of_an_unknown_command_suggests_one(tinynet):
    result = tinynet("help", "trian")
    assert (result.code, result.out) == (2, "")
    assert "did you mean: tinynet train" in result.err
    assert "tinynet train has no commands" in tinynet("help", "train", "x").err


def test_the_list_of_commands_is_by_purpose(tinynet):
    listed = tinynet("--help").out
    assert listed.index("Commands to train:") < listed.index("  resume ")
    assert all(f"  {name} " in listed for name in root.commands)
    assert "..." not in listed.partition("Commands")[2]


def test_explaining_a_command_names_its_help(tinynet):
    assert (
        tinynet("explain", "train").err == "error: 'train' is a command; see tinynet help train\n"
    )


def test_epochs_and_lr_are_shortcuts_of_set(tinynet, spec):
    assert tinynet("train", spec, "--run", "r", "--epochs", 1, "--lr", 0.5, "--quiet").code == 0
    training = json.loads(Path("r/spec.json").read_text())["training"]
    assert (training["epochs"], training["optimizer"]["learning_rate"]) == (1, 0.5)
    resumed = tinynet("resume", "r", "--epochs", 2, "--json").json
    assert resumed["epoch"] == 2


def test_a_shortcut_and_set_for_the_same_value_are_refused(tinynet, spec):
    result = tinynet("check", spec, "--epochs", 1, "--set", "training.epochs=2")
    assert result.code == 2
    assert "'training.epochs' is set twice" in result.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell(tinynet, shell):
    result = tinynet("completion", shell)
    assert result.code == 0
    assert "_TINYNET_COMPLETE" in result.out


BETAS = ["training.optimizer.beta_1=", "training.optimizer.beta_2="]
"""Options of the optimizer of the spec."""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("trai", ["train"]),
        ("layers conv1", ["conv1d", "conv1d_transpose"]),
        ("layers --group optimizers adag", ["adagrad"]),
        ("explain gel", ["gelu"]),
        ("help plugins ne", ["new"]),
        ("init digits_c", ["digits_cnn"]),
        ("train s", ["spec.json", "some/"]),
        ("train spec.json --set training.ep", ["training.epochs="]),
        ("train spec.json --set data.ty", ["data.type="]),
        ("train nothing.json --set training.se", ["training.seed="]),
        ("resume ", ["runs/first", "some/", "runs/"]),
        ("evaluate runs/f", ["runs/first"]),
        ("evaluate runs/first --checkpoint b", ["best"]),
        ("train spec.json --kernels num", ["numpy"]),
        ("evaluate runs/first --split v", ["val"]),
        ("train spec.json --logger tens", ["tensorboard"]),
        ("train spec.json --set network.layers.d", ["network.layers.dense_1."]),
        ("train spec.json --set network.layers.dense_1.un", ["network.layers.dense_1.units="]),
        ("train spec.json --set=training.ep", ["--set=training.epochs="]),
        ("train spec.json --set training.optimizer.be", BETAS),
        ("layers --group=opt", ["--group=optimizers"]),
        ("explain data.sp", ["data.split"]),
        ("explain conv2d.pad", ["conv2d.padding"]),
        ("plugins check gel", ["gelu"]),
    ],
)
def test_completions(spec, line, expected):
    for folder in ("runs/first/checkpoints", "some"):
        Path(folder).mkdir(parents=True)
    assert sorted(complete(line)) == sorted(expected)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["completion"], "Missing argument '{bash|zsh|fish}'. Choose from: bash, zsh, fish"),
        (["train", "s", "--epochs", "1.5"], "'--epochs': '1.5' is not a valid integer."),
        (["train", "s", "--epochs", "0"], "'--epochs': 0 is not in the range x>=1."),
        (["train", "s", "--lr", "x"], "'--lr': 'x' is not a valid number."),
        (["train", "s", "--lr", 1, "--lr", 2], "'training.optimizer.learning_rate' is set twice"),
        (["export", "r", "-o", "model.pt"], "a model is exported to a .onnx file, weights to .npz"),
    ],
)
def test_messages_about_arguments_are_one_plain_line(tinynet, words, message):
    result = tinynet(*words)
    assert result.code in (2, 3)
    assert message in result.err.splitlines()[-1]


def test_a_folder_that_hides_the_package_is_named():
    """As beside a project called tinynet, if tinynet is installed in editable mode."""
    program = (
        "import sys, types; hidden = types.ModuleType('tinynet'); hidden.__path__ = ['/x/tinynet']"
        "; sys.modules['tinynet'] = hidden; from tinynet_cli.entry import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == (
        "error: Python imports the folder /x/tinynet instead of the package tinynet; rename it, or"
        " run the command elsewhere\n"
    )


def test_columns_of_runs_are_completed(tinynet, run):
    assert complete("runs . --sort val/l") == ["val/loss"]
    assert complete("runs . --columns val/loss,val/a") == ["val/loss,val/accuracy"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["layers", "--group", "optmizers"], "is not a kind of plugin; did you mean optimizers?"),
        (["plugins", "new", "x", "--kind", "optimizr"], "did you mean optimizer?"),
        (["init", "digit_cnn"], "digit_cnn; did you mean the template digits_cnn?"),
        (["new", "p", "digit_cnn"], "digit_cnn; did you mean the template digits_cnn?"),
        (["plugins", "nwe"], "did you mean: tinynet plugins new"),
        (["runs", "trial"], "no such folder: trial; did you mean trials?"),
    ],
)
def test_near_names_are_suggested(tinynet, words, message):
    Path("trials").mkdir()
    assert message in tinynet(*words).err.splitlines()[-1]


def test_kinds_are_recognized_in_any_case(tinynet):
    assert (
        tinynet("layers", "--kind", "Optimizer").out == tinynet("layers", "--group=optimizers").out
    )
