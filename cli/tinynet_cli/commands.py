"""The classes of all commands."""

from typing import Any

import click

from tinynet_cli import streams
from tinynet_cli.output import echo


class NoCommandError(click.UsageError):
    """A group that was called without a command; the message is its help."""


class _WithHelp(click.Command):
    """A command whose help is printed like all other output."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return the option ``--help``."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.callback = _show_help
        return option


class Command(_WithHelp):
    """A command; while it runs, stdout is reserved for its result."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with streams.reserved_stdout():
            return super().invoke(ctx)


class Group(_WithHelp, click.Group):
    """A group of commands."""

    command_class = Command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments.

        Raises:
            NoCommandError: if there are none.
        """
        if not args and not ctx.resilient_parsing:
            raise NoCommandError(ctx.get_help(), ctx)
        return super().parse_args(ctx, args)


def _show_help(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        echo(context.get_help(), multiline=True)
        context.exit()
