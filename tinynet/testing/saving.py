"""Through a file and back, as checkpoints do it."""

import tempfile
from pathlib import Path

from tinynet import archive
from tinynet.testing.arrays import Arrays


def saved_and_loaded(arrays: Arrays) -> Arrays:
    """The arrays as they come back from an archive."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "arrays.msgpack"
        archive.write(path, {}, arrays, run_id="check", step=0)
        return archive.read(path).tensors
