"""Reading any spec, however large or wrong, takes at most 1 s of CPU time and 256 MiB.

    python tests/benchmarks/spec_limits.py [NAME ...]

Each spec of `large_specs.py` is read in a separate process after the imports; the program ends
with an error if one takes more. ``--traps`` reads some of them in this process without measuring:
the test suite checks in this way that each is accepted or refused in the end.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import process_time

from large_specs import LARGE, TRAPS, text

from tinynet.errors import PluginError, SpecError
from tinynet.spec.reading import load_spec

SECONDS, MEBIBYTES = 1.0, 256

SPECS = TRAPS | LARGE

UNIT = 2**20 if sys.platform == "darwin" else 2**10
"""Units of the operating system's memory counts in a MiB."""


def outcome(path: Path) -> str:
    """Read a spec; return its first problem, or "ok"."""
    try:
        load_spec(path)
    except (SpecError, PluginError) as error:
        return str(error.problems[0])
    return "ok"


def measure(name: str, path: Path) -> None:
    """Read a spec, and print the outcome, seconds and memory as one line of JSON."""
    path.write_text(text(["relu"]), encoding="utf-8")
    load_spec(path)
    path.write_text(SPECS[name](), encoding="utf-8")
    began = process_time()
    result = outcome(path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / UNIT
    print(json.dumps([result, process_time() - began, peak]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="which specs; by default all")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--traps", action="store_true", help="read the traps in this process")
    how.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spec.json"
        if arguments.one:
            measure(*arguments.names, path)
        elif arguments.traps:
            for name, make in TRAPS.items():
                path.write_text(make(), encoding="utf-8")
                print(json.dumps([name, outcome(path)]), flush=True)
        else:
            names = arguments.names or SPECS
            too_much = [name for name in names if not report(name)]
            sys.exit(f"too much: {', '.join(too_much)}" if too_much else 0)


def report(name: str) -> bool:
    """Measure a spec in a separate process; return True if it stays within the limits."""
    command = [sys.executable, __file__, "--one", name]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result, seconds, peak = json.loads(printed)
    within = seconds <= SECONDS and peak <= MEBIBYTES
    mark = " " if within else "!"
    print(f"{mark} {name:34}{seconds:6.2f} s {peak:5.0f} MiB  {result[:90]}", flush=True)
    return bool(within)


if __name__ == "__main__":
    main()
