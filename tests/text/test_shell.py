"""Commands in messages: a shell reads the words that they name."""

import subprocess

import pytest

from tinynet.text.shell import shell_command, shell_path


@pytest.mark.parametrize("word", ["a", "a b", "it's", "a\nb", "\x1b[31m'x\\", "é\t", "a\udcff"])
def test_shell_reads_the_word(word):
    command = shell_command(["printf", "%s", word])
    assert command.isprintable()
    read = subprocess.run(["bash", "-c", command], capture_output=True, check=True).stdout
    assert read == word.encode("utf-8", "surrogateescape")


def test_a_path_is_not_taken_for_an_option():
    assert [shell_path(p) for p in ("-r", "a/-r", "- x")] == ["./-r", "a/-r", "'./- x'"]
