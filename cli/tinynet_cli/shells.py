"""The scripts by which shells complete a line, and the exchange with them.

Names of files, runs and plugins may hold any characters. None of them reaches a command line as
anything but a plain word: bash inserts a completion as it is, so it gets each one quoted; zsh and
fish quote by themselves. Names with control characters are not offered at all.
"""

import os
from typing import Any, ClassVar

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)

VARIABLE = "_TINYNET_COMPLETE"
"""The environment variable by which a shell asks the command for completions."""

_SPECIAL_IN_QUOTES = {
    "'": {"'": r"'\''"},
    # Bash expands "!" even behind a backslash, but not in single quotes.
    '"': {"\\": r"\\", '"': r"\"", "$": r"\$", "`": r"\`", "!": "\"'!'\""},
}
"""Replacements of the characters that are special in each kind of quotes."""

_SAFE = frozenset("@%+=:,./-_")
"""Characters beside letters and digits that no shell expands."""


class _Completion(ShellComplete):
    """Completions whose text is one printable line."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        """Return the completions of `incomplete`, each with the start of the whole word."""
        self.ctx_args = {**self.ctx_args, "obj": tuple(args)}
        option, equals, _ = incomplete.partition("=")
        start = option + equals if equals and option.startswith("--") else ""
        try:
            found = super().get_completions(args, incomplete)
        except Exception:  # A message would be written into the line that the user edits.
            return []
        for item in found:
            item.value = start + item.value
        return [item for item in found if item.value.isprintable()]


class Bash(_Completion, BashComplete):
    """Completion in bash.

    The script sends the line up to the cursor, since bash splits ``--set=training.epochs`` into
    three words; and the last of these, which bash replaces.
    """

    source_template: ClassVar[str] = """\
%(complete_func)s() {
    local response
    response=$(env TINYNET_LINE="${COMP_LINE:0:COMP_POINT}" TINYNET_WORD="$2" \
%(complete_var)s=bash_complete "$1" 2>/dev/null)
    COMPREPLY=()
    case $response in
        '') ;;
        ,dir) compopt -o dirnames ;;
        ,file) compopt -o default ;;
        *)
            mapfile -t COMPREPLY <<< "$response"
            [[ ${#COMPREPLY[@]} -gt 1 || $response != *[=/.] ]] || compopt -o nospace
            ;;
    esac
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one with the cursor, and the beginning of that one."""
        words = _split(os.environ.get("TINYNET_LINE", ""))
        return words[1:-1], words[-1]

    def complete(self) -> str:
        """Return a line for each completion: the text, quoted, that replaces the last word."""
        items = self.get_completions(*self.get_completion_args())
        if items and items[0].type != "plain":
            return f",{items[0].type}"
        line, replaced = os.environ.get("TINYNET_LINE", ""), os.environ.get("TINYNET_WORD", "")
        return "\n".join(bash_words([item.value for item in items], line, replaced))


class Zsh(_Completion, ZshComplete):
    """Completion in zsh, which quotes what it inserts."""


class Fish(_Completion, FishComplete):
    """Completion in fish, which quotes what it inserts; names may have commas."""

    source_template: ClassVar[str] = """\
function %(complete_func)s
    set -l response (env %(complete_var)s=fish_complete COMP_WORDS=(commandline -cp) \
COMP_CWORD=(commandline -t) %(prog_name)s 2>/dev/null)
    for completion in $response
        set -l parts (string split -m 1 "," -- $completion)
        switch $parts[1]
            case dir
                __fish_complete_directories $parts[2]
            case file
                __fish_complete_path $parts[2]
            case plain
                printf '%%s\\n' $parts[2]
        end
    end
end

complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""


SHELLS: dict[str, type[_Completion]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}
"""The completion of each shell."""

for shell in SHELLS.values():
    add_completion_class(shell)


def script(shell: str, root: click.Command) -> str:
    """Return the script that makes a shell complete the command."""
    return SHELLS[shell](root, {}, "tinynet", VARIABLE).source()


def bash_words(values: list[str], line: str, replaced: str) -> list[str]:
    """Return the texts that bash inserts so that a word of the line becomes each of `values`.

    Args:
        values: The words, without quotes.
        line: The line up to the cursor.
        replaced: The end of the line that bash replaces, where no quotation is open.
    """
    start, quote, opened = _last_word(line)
    head = line[start : opened + 1] if quote else line[start:].removesuffix(replaced)
    known = _split(head)[-1]
    home = "~/" if not head and line[start:].startswith("~/") else ""
    return [
        home + _quoted(value[len(known) :].removeprefix(home), quote)
        for value in values
        if value.startswith(known)
    ]


def _quoted(text: str, quote: str) -> str:
    """Return text so that bash reads it as it is, in open quotes or without."""
    if quote:
        special = _SPECIAL_IN_QUOTES[quote]
        return "".join(special.get(char, char) for char in text)
    return "".join(c if c.isalnum() or c in _SAFE else f"\\{c}" for c in text)


def _split(line: str) -> list[str]:
    """Return the words of a line without quotes; the last is empty after a space."""
    *words, last = split_arg_string(f"{line}x")
    return [*words, last[:-1]]


def _last_word(line: str) -> tuple[int, str, int]:
    """Return where the last word starts, the quotes that are open, and where they are."""
    start, quote, opened, escaped = 0, "", 0, False
    for index, char in enumerate(line):
        if escaped:
            escaped = False
        elif char == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote, opened = char, index
        elif char.isspace():
            start = index + 1
    return start, quote, opened
