"""Check of a plugin's requirement on tinynet-core against the installed version."""

import re
from collections.abc import Callable
from operator import eq, ge, gt, le, lt, ne

from tinynet.registry.discovery import find_distribution

CORE = "tinynet-core"

_REQUIREMENT = re.compile(r"tinynet[-_.]+core\s*(?:\[[^]]*\])?\s*\(?([^;)]*)\)?\s*", re.IGNORECASE)
_CLAUSE = re.compile(r"(~=|==|!=|<=|>=|<|>)\s*(\d+(?:\.\d+)*)(\.\*)?")
_HOLDS: dict[str, Callable[[list[int], list[int]], bool]] = {
    "==": eq, "!=": ne, "<=": le, ">=": ge, "<": lt, ">": gt,
}  # fmt: skip


def unmet_requirement(distribution: str) -> str:
    """Describe the requirement on tinynet-core that is not met; empty if all are.

    Only releases such as 1.2.3 are compared; other forms and conditions are left to the installer.
    """
    core, plugin = find_distribution(CORE), find_distribution(distribution)
    installed = re.match(r"\d+(?:\.\d+)*", core.version) if core else None
    if core is None or plugin is None or installed is None:
        return ""
    for requirement in plugin.requires or []:
        clauses = _REQUIREMENT.fullmatch(requirement.strip())
        if clauses and not all(_met(installed[0], clause) for clause in clauses[1].split(",")):
            return f"it requires {requirement.strip()}, and {CORE} {core.version} is installed"
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
    have, want = ([*map(int, text.split("."))] for text in (installed, required))
    length = len(want) if star else max(len(have), len(want))
    return _HOLDS[sign](*((release + [0] * length)[:length] for release in (have, want)))
