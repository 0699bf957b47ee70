"""Imports of many modules."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Import modules without garbage collections.

    They find nothing among the objects of modules, and take a tenth of the time of the imports.
    Later collections, and the last one when Python exits, leave out what was imported.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():  # a program that runs several commands keeps its garbage
            gc.freeze()
        if was_enabled:
            gc.enable()
