"""Messages about options of commands, of Python and of specs, in the words of a request."""

import re

_OPERATOR = "the operator of the server"

REPLACED = {
    "(add --resize, or resize=True in Python, to resize it)": (
        "(add ?resize=true to the address to resize it)"
    ),
    "to check them, add --strict-finite": f"{_OPERATOR} can check them: --strict-finite",
    "; give a list of str": "; send texts",
    "; convert it: numpy.asarray(x, float)": "",
    "; give a single sample as [x]": "; send a single sample in a list",
    "give an .npz file with an array of each name": "send JSON, an object with all of them",
    "; if so, give an .npy file instead": "; if so, send them as JSON, or as an .npy file",
}
"""Parts of messages, with those of answers."""

PATTERNS = {
    r'save the file as UTF-8, or set "encoding" to the one that it is in, such as "([^"]+)"': (
        r"send UTF-8, or state the charset in the content type: charset=\1"
    ),
    r'; save it as UTF-8, or set "encoding"[^\n]*': (
        "; send UTF-8, or state the charset in the content type"
    ),
    r"; to have them filled, train with [^\n]*": "",
    r"^the (?:list|table): the header lacks (.*); it names (.*)": (
        r"the records lack \1; they have \2"
    ),
    r"^the (?:list|table)(,|:)": r"the records\1",
}
"""Patterns of parts of messages, with those of answers."""


def of_request(message: str) -> str:
    """Return a message in the words of a request."""
    for part, own in REPLACED.items():
        message = message.replace(part, own)
    for pattern, own in PATTERNS.items():
        message = re.sub(pattern, own, message)
    return message
