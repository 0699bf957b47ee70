"""Fixtures for the tests of the archive."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tinynet import archive

HERE = Path(__file__).parent


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def forge() -> ModuleType:
    """The builder of sealed files, good and bad."""
    return load("forge")


@pytest.fixture(scope="session")
def independent_reader() -> ModuleType:
    """The second reader."""
    return load("independent_reader")


@pytest.fixture(scope="session")
def golden_maker() -> ModuleType:
    """The script that made the golden files."""
    return load("golden/make")


@pytest.fixture
def small() -> SimpleNamespace:
    """The content of a small archive with a bit of everything."""
    return SimpleNamespace(
        sections={"loop": {"step": 12, "loss": 0.25}, "spec": {"name": "é😀", "layers": [1, None]}},
        tensors={
            "dense_1/weight": np.arange(6, dtype=np.float32).reshape(2, 3),
            "dense_1/bias": np.array([True, False, True]),
            "scalar": np.array(7, np.int64),
            "empty": np.empty((0, 3), np.float64),
        },
        run_id="digits-001",
        step=12,
    )


@pytest.fixture
def small_file(tmp_path: Path, small: SimpleNamespace) -> Path:
    """That archive, written."""
    path = tmp_path / "small.msgpack"
    archive.write(path, **vars(small))
    return path


@pytest.fixture
def same() -> Callable[[Any, Any], bool]:
    """Return True if two dicts of arrays have equal bytes, dtypes and shapes."""

    def compare(left: dict[str, Any], right: dict[str, Any]) -> bool:
        return left.keys() == right.keys() and all(
            left[name].dtype == right[name].dtype
            and left[name].shape == right[name].shape
            and left[name].tobytes() == right[name].tobytes()
            for name in left
        )

    return compare
