"""What the tests of several rooms share."""

import os

import pytest
from hypothesis import settings

from tinynet import registry

# A test must not fail because a machine is slow, nor in CI because it drew other examples.
settings.register_profile("tinynet", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("tinynet")


@pytest.fixture
def register(monkeypatch):
    """Register a class for one test, as an installed distribution would: (group, name, class)."""
    entries = [e for group in registry.GROUPS for e in registry.default().entries(group)]

    def add(group, name, cls):
        target = f"{cls.__module__}:{cls.__qualname__}"
        entries.append(registry.Entry(group, name, "test-plugin", "1.0", target))
        known = registry.Registry(entries)
        monkeypatch.setattr(registry, "default", lambda: known)

    return add


def pytest_addoption(parser):
    parser.addoption(
        "--torture-count", type=int, default=0, help="how often each test marked `torture` goes on"
    )


@pytest.fixture
def torture_count(request):
    """How many times a test marked `torture` shall do what it does."""
    count = request.config.getoption("--torture-count")
    if not count:
        pytest.skip("--torture-count says how often")
    return count
