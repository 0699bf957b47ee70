"""A check: a name, a subject, and a function that raises an error for a fault."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from tinynet.text.plugin_errors import located_cause

Case = TypeVar("Case")


class CheckFailed(AssertionError):  # noqa: N818 - named as the sentence "the check failed"
    """A plugin breaks its protocol; the text is one sentence with the numbers."""


@dataclass(frozen=True)
class Check:
    """One named promise of a protocol, and the function that tests it.

    Calling it returns nothing, or raises `CheckFailed`.

    Attributes:
        subject: Name of the checked class.
        name: Name of the promise.
        run: Raises if the promise is broken.
        description: The promise, in a sentence.
    """

    subject: str
    name: str
    run: Callable[[], None] = field(repr=False)
    description: str = ""

    def __str__(self) -> str:
        return f"{self.subject}-{self.name}"

    def __call__(self) -> None:
        try:
            self.run()
        except CheckFailed as failure:
            raise CheckFailed(f"{self._place}{failure}") from failure.__cause__
        except (Exception, SystemExit) as error:
            raise CheckFailed(f"{self._place}raised {located_cause(error)}") from error

    @property
    def _place(self) -> str:
        return f"{self.subject}, {self.name}: "

    def finding(self) -> str | None:
        """Return the fault that the check finds, in a sentence; None if it passes."""
        return explain(self)[0]


def explain(check: Check) -> tuple[str | None, BaseException | None]:
    """Return the finding of a check and the plugin's exception; None without them."""
    try:
        check()
    except CheckFailed as failure:
        return str(failure).removeprefix(check._place), failure.__cause__
    return None, None


def checks_of(subject: str, case: Case, functions: Iterable[Callable[[Case], None]]) -> list[Check]:
    """Return a check for each function, with its name and the first line of its docstring."""
    return [
        Check(subject, function.__name__, _bind(function, case), first_line(function))
        for function in functions
    ]


def first_line(documented: object) -> str:
    """Return the first line of a docstring; empty where there is none."""
    return (inspect.getdoc(documented) or "").partition("\n")[0]


def _bind(function: Callable[[Case], None], case: Case) -> Callable[[], None]:
    return lambda: function(case)


def run_all(checks: Iterable[Check]) -> None:
    """Run every check.

    Raises:
        CheckFailed: after the last check, with one line for each finding. A finding of several
            checks is reported once.
    """
    places_of: dict[str, list[str]] = {}
    for check in checks:
        if finding := check.finding():
            places_of.setdefault(finding, []).append(f"{check.subject}, {check.name}")
    if places_of:
        raise CheckFailed("\n".join(_line(*item) for item in places_of.items()))


def _line(finding: str, places: list[str]) -> str:
    others = f" (and {len(places) - 1} other checks)" if len(places) > 1 else ""
    return f"{places[0]}{others}: {finding}"


def require(condition: bool, finding: str) -> None:
    """Raise `CheckFailed` with ``finding`` unless ``condition`` holds."""
    if not condition:
        raise CheckFailed(finding)
