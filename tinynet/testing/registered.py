"""The checks of the types that an installed distribution registers, by name.

The caller or the class chooses the arguments of the checks; otherwise standard cases are tried. A
class has them in ``examples``: a tuple of dicts, each the keyword arguments of the kit's function
for its kind. A layer with one option has

    examples = ({"options": {"units": 3}, "in_shapes": [[5]]},)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tinynet import registry
from tinynet.errors import PluginError
from tinynet.registry import Entry, UnknownTypeError
from tinynet.registry.discovery import normalize_name
from tinynet.testing.arguments import CHECKS, NotCheckableError, arguments_of, in_words
from tinynet.testing.checks import Check
from tinynet.testing.standard_cases import Arguments
from tinynet.text.kinds import GROUPS
from tinynet.text.plugin_errors import located_cause
from tinynet.text.wording import format_list, quote, suggest
from tinynet.types import Shape


@dataclass(frozen=True)
class PluginCase:
    """One registered type with one set of arguments.

    Attributes:
        entry: The type.
        arguments: The arguments of the kit's function.
        checks: The checks with these arguments.
    """

    entry: Entry
    arguments: Arguments
    checks: list[Check]

    def __str__(self) -> str:
        """``with options {"units": 3} on inputs (6, 6, 4)``."""
        return in_words(self.arguments)


def plugin_checks(
    name: str,
    *,
    group: str | None = None,
    options: Mapping[str, Any] | None = None,
    in_shapes: Sequence[Shape] | None = None,
    mask: int | None = None,
) -> list[Check]:
    """Return the checks of everything that a distribution registers, for its own tests.

        @pytest.mark.parametrize("check", plugin_checks("my_layer"), ids=str)
        def test_it_keeps_the_promises_of_every_layer(check):
            check()

    Args:
        name: Name of a type, ``distribution:name``, or name of a distribution.
        group: One of `tinynet.text.kinds.GROUPS`, if two kinds have the name.
        options: The options as in a spec; by default those of the class's ``examples``, or none.
        in_shapes: Shapes of a layer's inputs; by default those of the ``examples``, or the first
            of the standard shapes that the layer accepts.
        mask: Number of a layer's input that is a mask of the time steps of its first input.

    Raises:
        PluginError: if nothing has the name, or two distributions have the name, or the plugin
            cannot be imported.
        NotCheckableError: if options are missing or refused, or no known inputs fit the type.
    """
    has_arguments = any(given is not None for given in (options, in_shapes, mask))
    return [
        check
        for entry in entries_to_check(name, group, has_arguments)
        for case in plugin_cases(entry, options, in_shapes, mask)
        for check in case.checks
    ]


def plugin_cases(
    entry: Entry,
    options: Mapping[str, Any] | None = None,
    in_shapes: Sequence[Shape] | None = None,
    mask: int | None = None,
) -> list[PluginCase]:
    """Return the arguments and the checks of a registered type; see `plugin_checks`.

    Options, shapes and a mask given here replace those of the first of the class's ``examples``.

    Raises:
        PluginError: if the plugin cannot be imported, or its ``examples`` cannot be used.
        NotCheckableError: if options are missing or refused, or no known inputs fit the type.
    """
    cls = registry.default().load(entry.group, entry.qualified)
    try:
        cases = [
            PluginCase(entry, arguments, CHECKS[entry.group](cls, **arguments))
            for arguments in arguments_of(entry, cls, options, in_shapes, mask)
        ]
    except (TypeError, ValueError) as error:
        what = "the arguments of its checks cannot be used"
        raise PluginError(f"{entry}: {what}: {located_cause(error)}") from error
    return cases if len(cases) == 1 else [_numbered(case, i) for i, case in enumerate(cases)]


def _numbered(case: PluginCase, number: int) -> PluginCase:
    checks = [replace(c, subject=f"{c.subject}.examples[{number}]") for c in case.checks]
    return replace(case, checks=checks)


def entries_named(name: str, group: str | None = None) -> list[Entry]:
    """Return the registered types that ``name`` stands for, of one group or of all.

    Args:
        name: Name of a type, ``distribution:name``, or name of a distribution, which stands for
            all its types.
        group: One of `tinynet.text.kinds.GROUPS`.

    Raises:
        UnknownTypeError: if nothing has the name; it suggests similar names.
    """
    groups = GROUPS if group is None else (group,)
    everything = [entry for one in groups for entry in registry.default().entries(one)]
    distribution, colon, short = name.rpartition(":")
    if colon:
        qualified = f"{normalize_name(distribution)}:{short}"
        matches = [entry for entry in everything if entry.qualified == qualified]
    else:
        matches = [entry for entry in everything if entry.name == name]
        matches = matches or [e for e in everything if e.distribution == normalize_name(name)]
    if not matches:
        names = {part for entry in everything for part in (entry.name, entry.distribution)}
        names |= {entry.qualified for entry in everything} if colon else set()
        where = f" among the {group}" if group else ""
        raise UnknownTypeError(
            f"no plugin {quote(name)} is installed{where}; {suggest(name, names)}"
        )
    return matches


def entries_to_check(name: str, group: str | None, has_arguments: bool) -> list[Entry]:
    """Return the registered types with a name, if they can be checked.

    Args:
        name: See `entries_named`.
        group: See `entries_named`.
        has_arguments: True if the caller gives options or input shapes.

    Raises:
        PluginError: if nothing has the name, or two distributions have the name.
        NotCheckableError: if there are arguments for one type, but several types.
    """
    entries = entries_named(name, group)
    for entry in entries:
        if entry.name == name:
            registry.default().find(entry.group, name)  # two distributions may have the name
    if has_arguments and len(entries) > 1:
        groups = [entry.group for entry in entries]
        one_name = len({entry.name for entry in entries}) == 1
        names = [entry.qualified for entry in entries]
        remedy = f"the group {' or '.join(groups)}" if one_name else f"one of {format_list(names)}"
        raise NotCheckableError(
            f"{quote(name)} stands for {len(entries)} types, but options and shapes are those of"
            f" one type; choose {remedy}"
        )
    return entries
