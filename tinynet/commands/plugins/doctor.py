"""The diagnosis of plugins: each distribution is imported in a separate process.

One that crashes, hangs or exits affects only its own diagnosis.
"""

from dataclasses import dataclass
from typing import Any

from tinynet import registry
from tinynet.commands.plugins.isolated_import import Answer, load_apart
from tinynet.commands.plugins.listing import Listed, listed
from tinynet.commands.plugins.requirement import unmet_requirement
from tinynet.errors import PluginError
from tinynet.network.kernel_choice import choose_kernels
from tinynet.registry import Entry, UnknownTypeError
from tinynet.registry.discovery import Damage, normalize_name
from tinynet.testing.registered import entries_named
from tinynet.text.kinds import GROUPS

PATIENCE = 60.0
"""Seconds after which an import counts as hanging."""


@dataclass(frozen=True)
class Diagnosis:
    """The diagnosis of one registered type.

    The seconds are those that its import added to NumPy, tinynet's protocols and the types of the
    distribution before it; None if it failed.
    """

    listed: Listed
    seconds: float | None
    problems: tuple[str, ...]  # a sentence each
    output: str = ""  # text that the import printed

    @property
    def ok(self) -> bool:
        """True if there are no problems."""
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        own = {"ok": self.ok, "seconds": self.seconds, "problems": list(self.problems)}
        return {**self.listed.to_json(), **own, "output": self.output}


def examine(name: str | None = None, *, patience: float = PATIENCE) -> list[Diagnosis]:
    """Load and diagnose every registered type, or those of a name.

    Args:
        name: A type's name, ``distribution:name``, or a distribution's name.
        patience: Seconds that loading one distribution may take.

    Raises:
        UnknownTypeError: if no type has the name, and no damaged distribution.
        OutdatedInstallationError: if the metadata of tinynet itself names code that is gone.
    """
    everything = [entry for group in GROUPS for entry in registry.default().entries(group)]
    try:
        selected = everything if name is None else entries_named(name)
    except UnknownTypeError:
        if not damages(name):
            raise
        selected = []
    facts = listed(selected, everything)
    answers: dict[Entry, Answer] = {}
    unmet = {
        owner: unmet_requirement(owner) for owner in {entry.distribution for entry in selected}
    }
    for owner in unmet:
        answers |= load_apart(
            [entry for entry in selected if entry.distribution == owner], patience
        )
    return [_diagnosis(fact, answers[fact.entry], unmet[fact.entry.distribution]) for fact in facts]


def damages(name: str | None = None) -> list[Damage]:
    """Return the damaged metadata of distributions, whose plugins may be missing.

    ``name`` is a distribution's name, or ``distribution:name``; None for all.
    """
    everything = registry.default().damages
    if name is None:
        return list(everything)
    owner = normalize_name(name.partition(":")[0])
    return [damage for damage in everything if damage.distribution == owner]


def running_kernels() -> str:
    """Return the qualified name and the level of the kernels that networks use."""
    try:
        kernels = choose_kernels()
    except PluginError as error:
        return f"(none: {error})"
    target = f"{type(kernels).__module__}:{type(kernels).__qualname__}"
    entries = registry.default().entries("kernels")
    name = next((entry.qualified for entry in entries if entry.target == target), target)
    return f"{name} ({kernels.level})"


def _diagnosis(fact: Listed, answer: Answer, unmet: str) -> Diagnosis:
    problems = tuple(filter(None, (answer.problem, unmet, fact.ambiguous)))
    seconds = None if answer.problem else answer.seconds
    return Diagnosis(fact, seconds, problems, answer.output)
