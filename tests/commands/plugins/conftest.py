"""Fixtures for plugins: written distributions, and an environment to install into."""

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from tinynet import registry
from tinynet.registry import GROUPS, Entry

Install: TypeAlias = Callable[..., Path]


def all_entries() -> list[Entry]:
    """Return the types of all distributions, whose metadata are read again in each call."""
    plugins = registry.default()
    return [entry for group in GROUPS for entry in plugins.entries(group)]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return a function that adds a distribution to the path.

    Call it as install(name, {"layers": {type: target}}, source). The module is named after the
    distribution. It returns the folder of the distribution.
    """
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    monkeypatch.setattr(registry, "default", registry.discovered)

    def write(
        name: str,
        groups: Mapping[str, Mapping[str, str]],
        source: str = "",
        *,
        version: str = "1.2",
        requires: str = "",
        files: Mapping[str, str] | None = None,
    ) -> Path:
        facts = site / f"{name.replace('-', '_')}-{version}.dist-info"
        facts.mkdir()
        (site / f"{name.replace('-', '_')}.py").write_text(source)
        needs = f"Requires-Dist: {requires}\n" if requires else ""
        (facts / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"
        )
        lines = []
        for group, types in groups.items():
            lines += [f"[tinynet.{group}]", *(f"{one} = {target}" for one, target in types.items())]
        (facts / "entry_points.txt").write_text("\n".join(lines) + "\n")
        for path, text in (files or {}).items():
            (facts / path).write_text(text)
        return site

    return write


PIP = "-m pip --quiet --disable-pip-version-check --python".split()
OFFLINE = "install --no-index --no-build-isolation --no-deps".split()


@dataclass(frozen=True)
class Fresh:
    """A virtual environment with the packages of this one, into which tests install plugins."""

    folder: Path

    @property
    def python(self) -> str:
        return str(self.folder / "venv" / "bin" / "python")

    @property
    def site(self) -> Path:
        base = str(self.folder / "venv")
        return Path(sysconfig.get_path("purelib", vars={"base": base, "platbase": base}))

    def install(self, distribution: Path, *options: str) -> None:
        self._run(sys.executable, *PIP, self.python, *OFFLINE, *options, str(distribution))

    def run(self, *words: str, at: Path | None = None) -> str:
        """Run Python in the folder of the environment, or in folder `at`."""
        return self._run(self.python, *words, at=at)

    def _run(self, *words: str, at: Path | None = None) -> str:
        # A test of the new environment is not one of the processes that share these tests.
        env = {name: value for name, value in os.environ.items() if "XDIST" not in name}
        done = subprocess.run(
            words, cwd=at or self.folder, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def fresh(tmp_path: Path) -> Fresh:
    """Return a new environment in the test's folder."""
    pytest.importorskip("setuptools", minversion="64")
    pytest.importorskip("pip")
    made = Fresh(tmp_path)
    venv.create(tmp_path / "venv", system_site_packages=True)
    # This environment may be virtual itself; the new one does not see its packages otherwise.
    here = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    (made.site / "here.pth").write_text(here)
    return made
