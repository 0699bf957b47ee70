"""Commands in messages: a shell reads the words that they name."""

import subprocess

import pytest

from tinynet.text.shell import shell_command


@pytest.mark.parametrize("word", ["a", "a b", "it's", "a\nb", "\x1b[31m'x\\", "é\t", "a\udcff"])
def test_shell_reads_the_word(word):
    command = shell_command(["printf", "%s", word])
    assert command.isprintable()
    read = subprocess.run(["bash", "-c", command], capture_output=True, check=True).stdout
    assert read == word.encode("utf-8", "surrogateescape")
