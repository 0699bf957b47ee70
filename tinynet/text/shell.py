"""Words of commands that a user copies into a shell."""

import shlex
from collections.abc import Iterable
from os import PathLike


def shell_word(word: str) -> str:
    r"""Return a word quoted for a shell; control characters are escaped: ``$'a\nb'``.

    Raw, they would be lost in a terminal, and the command would name another file.
    """
    if word.isprintable():
        return shlex.quote(word)
    escaped = "".join(_escaped(character) for character in word)
    return f"$'{escaped}'"


def shell_path(path: str | PathLike[str]) -> str:
    """Return a path quoted for a shell; ``./-name`` for one that a command takes for an option."""
    word = str(path)
    return shell_word(f"./{word}" if word.startswith("-") else word)


def shell_command(words: Iterable[str]) -> str:
    """Return a command of several words."""
    return " ".join(map(shell_word, words))


def _escaped(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable():
        return character
    # Bytes that are not UTF-8 are surrogates in names of files.
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogateescape"))
