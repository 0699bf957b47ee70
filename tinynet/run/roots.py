"""The data root that a run recorded, and the rules by which it is trusted.

A checkpoint may come from a stranger, so it must not choose which files are read.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tinynet import archive, registry
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.data.paths import paths_in, resolve_paths
from tinynet.errors import CheckpointError, DataError, TinynetError
from tinynet.run.folder import RunFolder
from tinynet.run.options import Settings, data_root
from tinynet.spec.models import Spec
from tinynet.spec.reading import load_recorded_spec
from tinynet.text.options import option
from tinynet.text.shell import shell_path

_CHECKPOINTS = "checkpoints"
_RUNS = "runs"


def recorded_root(
    settings: Settings, file: Path, checkpoint: Checkpoint, spec: Spec, also: Iterable[Path] = ()
) -> Path:
    """Return the data root of the settings, or else the newest that the run recorded.

    The spec is that of the checkpoint in ``file``, with overrides.

    Raises:
        DataError: for a recorded root outside the current folder, the folder that the run lies in
            (for a run in ``runs``: the one above) and ``also``, which the user has named.
    """
    if settings.get("data_root") is not None:
        return data_root(settings, Path())
    root = _newest_root(file, checkpoint)
    paths = list(_paths(spec, root))
    if not paths:
        return root
    run = _run_of(file)
    if not _is_trusted(root, run, also):
        raise DataError(
            f"the run recorded the data root {root}, which is neither in the current folder nor"
            f" beside the run; if you trust it, add {_option(root)}"
        )
    for path in paths:
        if path.is_relative_to(run) and not _is_inside(path, run):
            raise DataError(
                f"{path} is a link that leads out of the run's folder; if you trust it, add"
                f" {_option(root)}"
            )
    return root


def _option(root: Path) -> str:
    """Return the option that names a data root."""
    return option(f"--data-root {shell_path(root)}", f"data_root={str(root)!r}")


def resume_command(folder: Path, root: Path, spec: Spec | Mapping[str, Any]) -> str:
    """Return the command that resumes a run, with the data root if that is required.

    ``spec`` is loaded, or JSON of a checkpoint.
    """
    command = f"tinynet resume {shell_path(folder)}"
    if _is_trusted(root, folder) or not _has_paths(spec, root):
        return command
    return f"{command} --data-root {shell_path(root)}"


def _has_paths(spec: Spec | Mapping[str, Any], root: Path) -> bool:
    """Return True if a spec has data paths, or may have some: a plugin of it is missing."""
    with suppress(TinynetError):
        loaded = spec if isinstance(spec, Spec) else load_recorded_spec(spec)
        return any(_paths(loaded, root))
    return True


def _is_trusted(root: Path, run: Path, also: Iterable[Path] = ()) -> bool:
    """Return True if a recorded data root is used without a confirmation."""
    run = run.absolute()
    beside = run.parent.parent if run.parent.name == _RUNS else run.parent
    return any(_is_inside(root, folder) for folder in (beside, Path.cwd(), *also))


def _newest_root(file: Path, checkpoint: Checkpoint) -> Path:
    """Return the data root of the newest checkpoint of the run that a checkpoint belongs to."""
    folder = RunFolder(_run_of(file))
    steps = folder.steps() if file.resolve().parent.name == _CHECKPOINTS else []
    for step in reversed(steps):
        try:
            newest = archive.read_outline(folder.checkpoint(step))
        except CheckpointError:
            continue
        data = newest.sections.get("data")
        root = data.get("root") if isinstance(data, dict) else None
        if newest.run_id == checkpoint.run_id and isinstance(root, str):
            return Path(root).absolute()
    return Path(checkpoint.data.root).absolute()


def _run_of(file: Path) -> Path:
    """Return the folder of the run that a file belongs to; otherwise the file's own folder."""
    parent = file.resolve().parent
    return parent.parent if parent.name == _CHECKPOINTS else parent


def _paths(spec: Spec, root: Path) -> Iterator[Path]:
    """Yield every data path of a spec."""
    if spec.data is not None:
        for part in filter(None, (spec.data, spec.data.validation, spec.data.test)):
            config = resolve_paths(registry.default().config(part), root)
            yield from map(Path, paths_in(config))


def _is_inside(path: Path, folder: Path) -> bool:
    """Return True if a path, with links resolved, lies in a folder."""
    return path.resolve().is_relative_to(folder.resolve())
