"""Kinds of plugin as options name them: singular or plural, with either of two option names."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

import click

from tinynet.text.kinds import KINDS

Command = TypeVar("Command", bound=Callable[..., Any])

SINGULAR = {**KINDS, "kernels": "kernel"}
"""The singular of each group."""


class _Kind(click.Choice[str]):
    """A choice between kinds that takes the singular for the plural, and the other way round."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the form that the choices have."""
        plural = {one: many for many, one in SINGULAR.items()}
        given = str(value).lower()
        for form in (given, SINGULAR.get(given), plural.get(given)):
            if form in self.choices:
                return str(form)
        if near := get_close_matches(given, self.choices, n=1, cutoff=0.75):
            hint = f"did you mean {near[0]}?"
        else:
            hint = f"available: {', '.join(self.choices)}"
        raise click.BadParameter(f"{value!r} is not a kind of plugin; {hint}", ctx, param)


def kind_option(name: str, choices: Sequence[str], **settings: Any) -> Callable[[Command], Command]:
    """Return the option ``--group``, also called ``--kind``.

    Args:
        name: ``group`` or ``kind``: the option shown first, and the name of the parameter.
        choices: The kinds that it takes.
        **settings: Further arguments of `click.option`.
    """
    names = sorted(("--group", "--kind"), key=lambda option: option != f"--{name}")
    return click.option(*names, name, type=_Kind(choices), **settings)
