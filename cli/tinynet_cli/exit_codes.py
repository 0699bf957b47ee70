"""The exit code of each kind of failure."""

UNEXPECTED = 1
USAGE = 2
DATA = 3
CHECKPOINT = 4
PLUGIN = 5
DIVERGED = 6
BUSY = 75
SIGNALLED = 128
INTERRUPTED = 130


def exit_code(error: BaseException) -> int:
    """Return the exit code for an exception that ended a command."""
    from tinynet import errors
    from tinynet.run.interrupts import Interrupted

    if isinstance(error, Interrupted):
        return SIGNALLED + error.signal
    if not isinstance(error, Exception):
        return INTERRUPTED
    if isinstance(error, errors.PeerFailure):
        return exit_code(error.error)
    codes = {
        errors.UsageError: USAGE,
        errors.SpecError: USAGE,
        errors.ShapeError: USAGE,
        errors.RunExistsError: USAGE,
        errors.DataError: DATA,
        errors.CheckpointError: CHECKPOINT,
        errors.PluginError: PLUGIN,
        errors.OutdatedInstallationError: PLUGIN,
        errors.DivergedError: DIVERGED,
        errors.RunBusyError: BUSY,
    }
    return next((code for kind, code in codes.items() if isinstance(error, kind)), UNEXPECTED)
