"""The conformance kit for installed plugins."""

from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from traceback import format_exception
from typing import Any

from tinynet.errors import PluginError
from tinynet.registry import Entry
from tinynet.testing.arguments import NotCheckableError
from tinynet.testing.checks import Check, explain
from tinynet.testing.registered import PluginCase, entries_to_check, plugin_cases
from tinynet.types import Shape


@dataclass(frozen=True)
class Verdict:
    """The result of one check."""

    check: Check
    finding: str | None  # what is wrong, in a sentence; None if the check passed
    traceback: str = ""  # of the plugin's exception

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        own: dict[str, Any] = {"passed": self.finding is None, "finding": self.finding}
        if self.traceback:
            own["traceback"] = self.traceback
        return {"name": self.check.name, "description": self.check.description, **own}


@dataclass(frozen=True)
class TypeReport:
    """The results of the kit for one registered type."""

    entry: Entry
    cases: tuple[tuple[str, tuple[Verdict, ...]], ...] = ()  # each case's arguments and results
    problem: str | None = None  # the reason why the type could not be checked
    output: str = ""  # text that the plugin printed

    @property
    def verdicts(self) -> list[Verdict]:
        """The results of all cases."""
        return [verdict for _, verdicts in self.cases for verdict in verdicts]

    @property
    def passed(self) -> bool:
        """True if it was checked and passed every check."""
        return self.problem is None and all(v.finding is None for v in self.verdicts)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        cases = [{"case": case, "checks": [v.to_json() for v in vs]} for case, vs in self.cases]
        own = {"passed": self.passed, "problem": self.problem, "cases": cases}
        return {**vars(self.entry), **own, "output": self.output}


def check_plugin(
    name: str,
    group: str | None = None,
    options: Mapping[str, Any] | None = None,
    in_shapes: Sequence[Shape] | None = None,
    mask: int | None = None,
) -> list[TypeReport]:
    """Run the kit; the arguments are those of `tinynet.testing.plugin_checks`.

    Of several types, one that cannot be checked does not stop the others: its report has a problem.

    Raises:
        PluginError: if the name is unknown or ambiguous, or its only type cannot be imported.
        NotCheckableError: if the only type cannot be checked with these arguments.
    """
    has_arguments = any(given is not None for given in (options, in_shapes, mask))
    entries = entries_to_check(name, group, has_arguments)
    reports = []
    for entry in entries:
        # A plugin's output must not mix with the report.
        with StringIO() as printed, redirect_stdout(printed), redirect_stderr(printed):
            try:
                report = _report(entry, plugin_cases(entry, options, in_shapes, mask))
            except (PluginError, NotCheckableError) as error:
                if len(entries) == 1:
                    raise
                report = TypeReport(entry, problem=str(error))
            reports.append(replace(report, output=printed.getvalue()))
    return reports


def _report(entry: Entry, cases: Sequence[PluginCase]) -> TypeReport:
    return TypeReport(entry, tuple((str(c), tuple(map(_verdict, c.checks))) for c in cases))


def _verdict(check: Check) -> Verdict:
    finding, error = explain(check)
    return Verdict(check, finding, "".join(format_exception(error)) if error else "")
