"""Messages about options of commands and of Python, in the words of a request."""

REPLACED = {
    "(add --resize, or resize=True in Python, to resize it)": (
        "(add ?resize=true to the address to resize it)"
    ),
    "to check them, add --strict-finite": "the operator of the server can check them:"
    " --strict-finite",
    "; give a list of str": "; send texts",
    "; convert it: numpy.asarray(x, float)": "",
    "; give a single sample as [x]": "; send a single sample in a list",
    "give an .npz file with an array of each name": "send JSON, an object with all of them",
    "; if so, give an .npy file instead": "; if so, send them as JSON, or as an .npy file",
}
"""Parts of messages of `tinynet.prediction`, with those of answers."""


def of_request(message: str) -> str:
    """Return a message in the words of a request."""
    for part, own in REPLACED.items():
        message = message.replace(part, own)
    return message
