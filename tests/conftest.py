"""What the tests of several rooms share."""

import pytest

from tinynet import registry


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
