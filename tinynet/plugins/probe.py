"""A process of its own that imports plugins: ``python -m tinynet.plugins.probe REQUEST``.

Whatever a plugin does while it is imported, it does to this process alone. The request is a JSON
object: ``path``, what ``sys.path`` is to be, and ``entries``, registered types as
`tinynet.registry.Entry` has them. The answer is a line of JSON on stdout for each, in that order:
``seconds`` for loading it on top of NumPy and tinynet's protocols, and ``problem``, empty or what
is wrong. A process that ends early, or says nothing for long, has met the type that comes next.
"""

import importlib
import json
import os
import sys
import traceback
from time import perf_counter

from tinynet import registry
from tinynet.errors import PluginError, TinynetError
from tinynet.plugins.protocols import breach
from tinynet.registry import Entry, Registry
from tinynet.text.wording import cause

_OUR_FILES = (
    __file__,
    registry.__file__,
    importlib.__file__,
    "<frozen importlib._bootstrap>",
    "<frozen importlib._bootstrap_external>",
)
"""What every import goes through, and what says nothing about its failure."""


def main(request: str) -> None:
    """Load what is asked for, and tell how that went."""
    # What a plugin prints is not to be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    asked = json.loads(request)
    sys.path[:] = asked["path"]
    for fields in asked["entries"]:
        entry = Entry(**fields)
        start = perf_counter()
        problem = _problem(entry)
        answer = {"seconds": perf_counter() - start, "problem": problem}
        print(json.dumps(answer), file=answers, flush=True)
    answers.flush()
    # Threads and exit handlers of a plugin are not to keep anybody waiting.
    os._exit(0)


def _problem(entry: Entry) -> str:
    try:
        return breach(entry.group, Registry([entry]).load(entry.group, entry.qualified))
    except PluginError as error:
        if error.__cause__ is None:
            return str(error).removeprefix(f"{entry}: ")
        return _where(error.__cause__)
    except BaseException as error:
        return _where(error)


def _where(error: BaseException) -> str:
    """What a plugin raised while it was imported, and the file and line that did."""
    if isinstance(error, TinynetError):
        return str(error)
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} ({error.filename}:{error.lineno})"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{f.filename}:{f.lineno}" for f in frames if f.filename not in _OUR_FILES]
    place = f" ({lines[-1]})" if lines else ""
    return f"{cause(error)}{place}"


if __name__ == "__main__":
    main(sys.argv[1])
