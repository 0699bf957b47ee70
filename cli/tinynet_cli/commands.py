"""The classes of all commands: options before or after the command, help, and suggestions."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import click

from tinynet_cli import streams
from tinynet_cli.launch import require_one_process
from tinynet_cli.output import echo

_NEAR = 0.7
"""Similarity of names from which one is suggested for the other: not ``export`` for ``plot``."""

_SUMMARY = 200
"""Most characters of a command's summary in the list of commands, which is wrapped."""


class NoCommandError(click.UsageError):
    """A group that was called without a command.

    Attributes:
        help: The group's help.
    """

    def __init__(self, ctx: click.Context) -> None:
        super().__init__("a command is missing", ctx)
        self.help = ctx.get_help()


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

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments.

        Raises:
            click.UsageError: for an option of other commands; it names them.
        """
        try:
            rest = super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            _explain_option(error.option_name, ctx)
            raise
        ctx.with_resource(streams.reserved_stdout())
        return rest

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command.

        Raises:
            click.UsageError: if a launcher has started several processes of a command for one.
        """
        require_one_process(ctx)
        return super().invoke(ctx)


class Group(_WithHelp, click.Group):
    """A group of commands, whose options are accepted before the command as well.

    Attributes:
        purposes: Names of the commands by their purpose, such as ``to train``.
    """

    command_class = Command
    purposes: Mapping[str, Sequence[str]] = {}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments.

        Raises:
            NoCommandError: if there is no command.
            click.UsageError: for an unknown option or command; it suggests others.
        """
        moved, args = self._leading_options(ctx, args)
        if not args and not ctx.resilient_parsing:
            raise NoCommandError(ctx)
        if moved and args:
            args = [args[0], *moved, *args[1:]]
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            _explain_option(error.option_name, ctx)
            near = _near(error.option_name, {n: n for _, c in _leaves(ctx) for n in _options(c)})
            if near is None:
                raise
            message = f"there is no option {error.option_name}; did you mean {near}?"
            raise click.UsageError(message, ctx) from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first argument names.

        Raises:
            click.UsageError: if there is none; it suggests near names, or lists all.
        """
        name = args[0]
        if self.get_command(ctx, name) is None and not ctx.resilient_parsing:
            raise click.UsageError(f"there is no command {name!r}; {self._suggest(ctx, name)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, in a section for each purpose if the group has purposes."""
        if not self.purposes:
            super().format_commands(ctx, formatter)
            return
        for purpose, names in self.purposes.items():
            with formatter.section(f"Commands {purpose}"):
                rows = [(n, self.commands[n].get_short_help_str(_SUMMARY)) for n in names]
                formatter.write_dl(rows)

    def _leading_options(self, ctx: click.Context, args: list[str]) -> tuple[list[str], list[str]]:
        """Split off the options of commands that stand before the command's name."""
        own = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        leaf_options = {n: o for _, command in _leaves(ctx) for n, o in _options(command).items()}
        moved: list[str] = []
        while args and args[0].startswith("-"):
            name, equals, _ = args[0].partition("=")
            if name in own or name not in leaf_options:
                break
            length = 1 if equals or leaf_options[name].is_flag else 2
            moved, args = moved + args[:length], args[length:]
        return moved, args

    def _suggest(self, ctx: click.Context, name: str) -> str:
        words = {
            path.removeprefix(f"{ctx.command_path} ").rpartition(" ")[2]: path
            for path, _ in reversed(list(_leaves(ctx)))
        }
        words |= {
            option.lstrip("-"): f"{ctx.command_path} {option}"
            for parameter in self.get_params(ctx)
            for option in parameter.opts
            if option.startswith("--")
        }
        words |= {key: f"{ctx.command_path} {key}" for key in self.commands}
        if near := _near(name, words):
            return f"did you mean: {words[near]}"
        if not self.purposes:
            # Of few commands, one that is less alike is still the likeliest.
            if own := get_close_matches(name.lower(), self.commands, n=1):
                return f"did you mean: {words[own[0]]}"
            return f"available: {', '.join(sorted(self.commands))}"
        parts = (f"{purpose}: {', '.join(names)}" for purpose, names in self.purposes.items())
        return "; ".join(parts)


def command_context(root: click.Context, words: Sequence[str]) -> click.Context:
    """Return the context of a command, such as ``plugins new``, below that of the whole program.

    Raises:
        click.UsageError: if there is no such command; it suggests near names.
    """
    context = root
    for word in words:
        group = context.command
        if not isinstance(group, click.Group):
            raise click.UsageError(f"{context.command_path} has no commands", root)
        _, command, _ = group.resolve_command(context, [word])
        assert command is not None
        context = click.Context(command, context, word, **command.context_settings)
    return context


def _near(name: str, words: Mapping[str, str]) -> str | None:
    """Return the word that may have been meant."""
    if matches := get_close_matches(name.lower(), words, n=1, cutoff=_NEAR):
        return matches[0]
    begun = [word for word in words if len(name) > 2 and word.startswith(name.lower())]
    return begun[0] if begun else None


def _leaves(ctx: click.Context) -> Iterator[tuple[str, click.Command]]:
    """Yield every command with the words that call it: ``tinynet plugins list``."""
    root = ctx.find_root()
    pending: list[tuple[str, click.Command]] = [(str(root.info_name), root.command)]
    while pending:
        path, command = pending.pop(0)
        if isinstance(command, click.Group):
            pending += [(f"{path} {name}", part) for name, part in sorted(command.commands.items())]
        else:
            yield path, command


def _options(command: click.Command) -> dict[str, click.Option]:
    options = [p for p in command.params if isinstance(p, click.Option)]
    return {name: option for option in options for name in option.opts}


def _explain_option(name: str, ctx: click.Context) -> None:
    """Raise an error that names the commands which have an option, if there are any."""
    root = str(ctx.find_root().info_name)
    having = [
        path.removeprefix(f"{root} ") for path, command in _leaves(ctx) if name in _options(command)
    ]
    if having:
        raise click.UsageError(
            f"{ctx.command_path} has no option {name}; commands with it: {', '.join(having)}", ctx
        )


def _show_help(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        echo(context.get_help(), multiline=True)
        context.exit()
