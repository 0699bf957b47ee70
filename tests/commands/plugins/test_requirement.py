"""Requirements of plugins that the installed tinynet does not meet."""

from types import SimpleNamespace

import pytest

from tinynet.commands.plugins import requirement
from tinynet.commands.plugins.requirement import unmet_requirement

CASES = [
    ("", True),
    (">=0.1", True),
    (">=0.1,<1", True),
    ("<0.1.3", False),
    (">=0.2", False),
    ("==0.1.*", True),
    ("==0.2.*", False),
    ("==0.1.3", True),
    ("==0.1", False),
    ("!=0.1.3", False),
    ("~=0.1.1", True),
    ("~=0.1", True),
    ("~=0.0.9", False),
    ("~=0.1.4", False),
    (">0.1.10", False),
    ("<=0.1.10", True),
    ("(>=0.2)", False),
    (" >= 0.2 ", False),
    ("[extra]>=0.2", False),
    (">=0.2; python_version < '3'", True),
    ("===whatever", True),
]


@pytest.mark.parametrize(("clauses", "met"), CASES)
def test_only_release_numbers_are_compared(
    monkeypatch: pytest.MonkeyPatch, clauses: str, met: bool
) -> None:
    requirements = [f"Tinynet_Core{clauses}", "tinynet-core-extras>=9", "numpy<1"]
    installed = {
        "tinynet-core": SimpleNamespace(version="0.1.3.dev4", requires=[]),
        "anybody": SimpleNamespace(version="1", requires=requirements),
    }
    monkeypatch.setattr(requirement, "find_distribution", installed.get)
    right = f"it requires {requirements[0].strip()}, and tinynet-core 0.1.3.dev4 is installed"
    assert unmet_requirement("anybody") == ("" if met else right)


def test_distribution_without_requirements(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = SimpleNamespace(version="1", requires=None)
    monkeypatch.setattr(requirement, "find_distribution", lambda name: bare)
    assert unmet_requirement("anybody") == ""
