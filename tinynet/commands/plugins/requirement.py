"""Check of a plugin's requirement on tinynet-core against the installed version."""

import re
from collections.abc import Callable
from operator import eq, ge, gt, le, lt, ne
from typing import TypeAlias

from tinynet.registry.discovery import find_distribution

CORE = "tinynet-core"

Release: TypeAlias = tuple[int, ...]

_REQUIREMENT = re.compile(r"tinynet[-_.]+core\s*(?:\[[^]]*\])?\s*\(?([^;)]*)\)?\s*", re.IGNORECASE)
_CLAUSE = re.compile(r"(~=|==|!=|<=|>=|<|>)\s*(\d+(?:\.\d+)*)(\.\*)?")
_HOLDS: dict[str, Callable[[Release, Release], bool]] = {
    "==": eq, "!=": ne, "<=": le, ">=": ge, "<": lt, ">": gt,
}  # fmt: skip


def version(distribution: str) -> str:
    """Return the version of an installed distribution; empty if it is unknown."""
    found = find_distribution(distribution)
    return "" if found is None else found.version


def requires(distribution: str) -> list[str] | None:
    """Return the requirements of an installed distribution."""
    found = find_distribution(distribution)
    return None if found is None else found.requires


def unmet_requirement(distribution: str) -> str:
    """Describe the requirement on tinynet-core that is not met; empty if all are.

    Only releases such as 1.2.3 are compared; other forms and conditions are left to the installer.
    """
    installed = re.match(r"\d+(?:\.\d+)*", version(CORE))
    for requirement in requires(distribution) or []:
        clauses = _REQUIREMENT.fullmatch(requirement.strip())
        if installed and clauses and not all(_met(installed[0], c) for c in clauses[1].split(",")):
            return f"it requires {requirement.strip()}, and {CORE} {version(CORE)} is installed"
    return ""


def _met(installed: str, clause: str) -> bool:
    parts = _CLAUSE.fullmatch(clause.strip())
    if parts is None:
        return True
    sign, required, star = parts.groups()
    if sign == "~=":
        # PEP 440: "~=1.4.2" is ">=1.4.2" and "==1.4.*".
        family = required.rpartition(".")[0]
        return _met(installed, f">={required}") and _met(installed, f"=={family}.*")
    have, want = _release(installed), _release(required)
    length = len(want) if star else max(len(have), len(want))
    return _HOLDS[sign](_padded(have, length), _padded(want, length))


def _release(text: str) -> Release:
    return tuple(map(int, text.split(".")))


def _padded(release: Release, length: int) -> Release:
    return (*release, *[0] * length)[:length]
