"""The start-up cost of the command."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["train", "--help"]])
def test_help_imports_nothing_large(words):
    """A shell completes and a person reads help while they think: it must be instant."""
    code = f"""
import sys
from tinynet_cli.main import main
try:
    main({words})
except SystemExit as error:
    assert not error.code
large = {{"numpy", "pydantic", "rich", "msgpack", "tinynet.registry"}} & sys.modules.keys()
assert not large, large
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_check_imports_only_the_types_that_a_spec_names(spec):
    """With a hundred layers installed, a check must not take longer than with ten."""
    code = f"""
import sys
from tinynet_cli.main import main
main(["check", {str(spec)!r}])
start = "tinynet.builtin.layers."
print(*sorted(n.removeprefix(start) for n in sys.modules if n.startswith(start)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = done.stdout.splitlines()[-1].split()
    # Those of a flatten and a dense layer, and what their modules share with others.
    assert {name for name in imported if not name.startswith("_")} == {"dense", "reshape"}


def test_the_version_is_told(tinynet):
    result = tinynet("--version")
    assert (result.code, result.out) == (0, "tinynet, version 0.1.0\n")


def test_no_command_shows_the_help_as_wrong_usage(tinynet):
    assert tinynet().code == 2


def test_training_imports_no_other_task(spec, tmp_path):
    """A short run would spend a tenth of its time on readers of new samples and of weights."""
    code = f"""
import sys
from tinynet_cli.main import main
main(["train", {str(spec)!r}, "--run", {str(tmp_path / "run")!r}, "--quiet"])
others = "prediction.inputs", "run.fine_tuning", "checkpoint.layouts.plan", "checkpoint.transfer"
print(*{{f"tinynet.{{name}}" for name in others}} & sys.modules.keys())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].strip() == ""
