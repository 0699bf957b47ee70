"""Distributions that are written down instead of installed."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import pytest

from tinynet import registry

Install: TypeAlias = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Write a distribution, and make it seen: install(name, {"layers": {type: target}}, source).

    Its module is called as the distribution. Returns the folder it is in.
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
