"""`tinynet help` and `tinynet completion`."""

import click

from tinynet_cli import completion, shells
from tinynet_cli.commands import Command, command_context
from tinynet_cli.output import echo


@click.command("help", cls=Command)
@click.argument("words", metavar="[COMMAND]...", nargs=-1, shell_complete=completion.commands)
@click.pass_context
def help_command(context: click.Context, words: tuple[str, ...]) -> None:
    """Show the help of a command, or the list of all commands."""
    echo(command_context(context.find_root(), words).get_help(), multiline=True)


@click.command("completion", cls=Command)
@click.argument("shell", type=click.Choice(list(shells.SHELLS)))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    r"""Print the script that completes commands, options, files, runs and types in SHELL.

    \b
    bash:  echo 'eval "$(tinynet completion bash)"' >> ~/.bashrc
    zsh:   echo 'eval "$(tinynet completion zsh)"' >> ~/.zshrc
    fish:  tinynet completion fish > ~/.config/fish/completions/tinynet.fish
    """
    root = context.find_root().command
    echo(shells.script(shell, root).strip("\n"), multiline=True)
