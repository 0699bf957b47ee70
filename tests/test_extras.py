"""Optional packages: a missing one is reported with the line that installs it."""

import re
import tomllib
from pathlib import Path

import pytest

from tinynet.extras import MissingPackageError, importing

ROOT = Path(__file__).parents[1]


def test_a_missing_package_is_named_with_the_line_that_installs_it():
    message = r"tinynet plot needs the package not_there: pip install 'tinynet-core\[plot\]'"
    with pytest.raises(MissingPackageError, match=message), importing("plot", "tinynet plot"):
        import not_there.inner  # noqa: F401


def test_an_error_within_an_installed_package_is_not_hidden():
    with pytest.raises(ZeroDivisionError), importing("plot", "tinynet plot"):
        1 / 0  # noqa: B018


def test_every_extra_that_the_code_names_exists_and_is_in_all():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    everything = set(re.findall(r"[\w-]+", extras["all"][0].partition("[")[2]))
    used = {
        name
        for folder in ("tinynet", "cli")
        for path in (ROOT / folder).rglob("*.py")
        for name in re.findall(r"importing\(\s*\"([\w-]+)\"", path.read_text(encoding="utf-8"))
        if path.name != "extras.py"
    }
    assert used <= everything <= extras.keys()
