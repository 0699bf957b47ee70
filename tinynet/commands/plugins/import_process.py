"""A process of its own that imports plugins: ``python -m tinynet.commands.plugins.import_process REQUEST``.

Whatever a plugin does while it is imported, it does to this process alone. The request is a JSON
object: ``path``, what ``sys.path`` is to be, and ``entries``, registered types as
`tinynet.registry.Entry` has them. The answer is a line of JSON on stdout for each, in that order:
``seconds`` for loading it on top of NumPy and tinynet's protocols, ``problem``, empty or what is
wrong, and ``printed``, the number of bytes on stderr by then: what plugins print goes there. A
process that ends early, or says nothing for long, has met the type that comes next.
"""

import json
import os
import sys
from contextlib import suppress
from time import perf_counter

from tinynet.commands.plugins.protocols import breach
from tinynet.errors import PluginError, TinynetError
from tinynet.registry import Entry, Registry
from tinynet.text.blame import located_cause


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
        seconds = perf_counter() - start
        answer = {"seconds": seconds, "problem": problem, "printed": _printed()}
        print(json.dumps(answer), file=answers, flush=True)
    answers.flush()
    # Threads and exit handlers of a plugin are not to keep anybody waiting.
    os._exit(0)


def _printed() -> int:
    """Return the number of bytes that plugins have printed so far."""
    with suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    return os.fstat(2).st_size


def _problem(entry: Entry) -> str:
    try:
        return breach(entry.group, Registry([entry]).load(entry.group, entry.qualified))
    except PluginError as error:
        if error.__cause__ is None:
            return str(error).removeprefix(f"{entry}: ")
        return _explain(error.__cause__)
    except BaseException as error:
        return _explain(error)


def _explain(error: BaseException) -> str:
    """What a plugin raised while it was imported, and the file and line that did."""
    return str(error) if isinstance(error, TinynetError) else located_cause(error)


if __name__ == "__main__":
    main(sys.argv[1])
