"""The stored profile of a run."""

from pathlib import Path

from tinynet.profiling.profile import NAME, Profile, read_profile
from tinynet.run.path_errors import is_run_folder, no_run


def stored_profile(run: Path) -> Profile:
    """Return the profile that the training of a run has recorded.

    Raises:
        CheckpointError: if the run has none, or it cannot be read.
    """
    if not is_run_folder(run) and not (run / NAME).is_file():
        raise no_run(run)
    return read_profile(run)
