"""The console script `tinynet`: Ctrl-C never shows a traceback, not even while Python imports."""

import signal
import sys


def main() -> None:
    """Run the command line."""
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    # While modules are imported nothing has to be saved: the process may end at once.
    if interruptible:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    _require_package()
    from tinynet_cli.main import main as run

    try:
        if interruptible:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        run()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    finally:
        if interruptible:  # nor has anything while Python exits
            signal.signal(signal.SIGINT, signal.SIG_DFL)


def _require_package() -> None:
    """Exit if Python took a folder that is only called tinynet for the package."""
    import tinynet

    if getattr(tinynet, "__file__", None) is None:
        folders = ", ".join(map(str, tinynet.__path__))
        message = f"error: Python imports the folder {folders} instead of the package tinynet"
        print(f"{message}; rename it, or run the command elsewhere", file=sys.stderr)
        sys.exit(2)
