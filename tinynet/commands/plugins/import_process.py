"""The child process that imports plugins, run by `tinynet.commands.plugins.isolated_import`.

The request is one argument, a JSON object: ``path``, the value of ``sys.path``, and ``entries``,
the registered types as `tinynet.registry.Entry` has them. The process prints one line of JSON for
each entry, in that order: ``seconds``, the time to load it on top of NumPy and tinynet's protocols;
``problem``, which is empty if there is none; ``outdated``, true if tinynet's own installation is
out of date; and ``printed``, the number of bytes on stderr so far, where the output of plugins
goes. If the process ends or hangs, the next entry is the cause.
"""

import json
import os
import sys
from contextlib import suppress
from time import perf_counter

from tinynet.commands.plugins.protocols import breach
from tinynet.errors import OutdatedInstallationError, PluginError, TinynetError
from tinynet.registry import Entry, Registry
from tinynet.text.plugin_errors import located_cause


def main(request: str) -> None:
    """Load the requested entries and print the answers."""
    # What a plugin prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    message = json.loads(request)
    sys.path[:] = message["path"]
    for fields in message["entries"]:
        entry = Entry(**fields)
        start = perf_counter()
        problem, outdated = _problem(entry)
        seconds = perf_counter() - start
        answer = {
            "seconds": seconds, "problem": problem, "outdated": outdated, "printed": _printed()
        }  # fmt: skip
        print(json.dumps(answer), file=answers, flush=True)
    answers.flush()
    # Do not wait for threads and exit handlers of plugins.
    os._exit(0)


def _printed() -> int:
    """Return the number of bytes that plugins have printed so far."""
    with suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    return os.fstat(2).st_size


def _problem(entry: Entry) -> tuple[str, bool]:
    """Return the problem, and True if it is an installation that is out of date."""
    try:
        return breach(entry.group, Registry([entry]).load(entry.group, entry.qualified)), False
    except PluginError as error:
        if error.__cause__ is None:
            return str(error).removeprefix(f"{entry}: "), False
        return _explain(error.__cause__), False
    except BaseException as error:
        return _explain(error), isinstance(error, OutdatedInstallationError)


def _explain(error: BaseException) -> str:
    """Describe the error of an import, with its file and line."""
    return str(error) if isinstance(error, TinynetError) else located_cause(error)


if __name__ == "__main__":
    main(sys.argv[1])
