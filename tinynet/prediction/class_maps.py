"""Class maps: the predicted class of each pixel, as one PNG file for each sample."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinynet import registry
from tinynet.dataset import Field
from tinynet.errors import DataError, explaining_io
from tinynet.files.class_maps import write_class_map
from tinynet.files.image_resizing import Resizing
from tinynet.files.images import displayed_size, open_image, require_pillow
from tinynet.prediction.predictions import Predictions
from tinynet.spec.data_spec import DataSpec
from tinynet.types import Array


@dataclass(frozen=True)
class OriginalSize:
    """The way back from the size of a network's input to that of an image.

    Attributes:
        resizing: The way to the size of the input.
        ignored: True if the last class is that of ignored pixels.
    """

    resizing: Resizing
    ignored: bool

    @classmethod
    def of(cls, inputs: Mapping[str, Field], data: DataSpec | None) -> "OriginalSize | None":
        """Return the way back for the inputs and the data of a model; None for other inputs."""
        shapes = [field.shape for field in inputs.values()]
        if len(shapes) != 1 or len(shapes[0]) not in (2, 3):
            return None
        config = None if data is None else registry.default().config(data)
        height, width = shapes[0][:2]
        resizing = Resizing(height, width, getattr(config, "resize", "stretch"))
        return cls(resizing, bool(getattr(config, "ignore", ())))

    def restore(self, file: str, indices: Array, classes: int) -> Array:
        """Return the class map of an image in its size, unless the network changes the size.

        Parts of the image that were cut off have the class of ignored pixels, or else the first.
        """
        if indices.shape != (self.resizing.height, self.resizing.width):
            return indices
        with open_image(file) as image:
            size = displayed_size(image)
        return self.resizing.restore_nearest(indices, size, classes - 1 if self.ignored else 0)


def write_class_maps(
    parts: Iterable[Predictions],
    folder: Path,
    sources: Sequence[Path] = (),
    original: OriginalSize | None = None,
) -> int:
    """Write a PNG file for each sample, whose pixels are the indices of the predicted classes.

    A class map of an image has its size, copied from the nearest pixels of the prediction.

    A file is named after the image that it belongs to, or else by the number of the sample. With
    several outputs that are class maps, each has a folder. The files appear when all are complete.

    Args:
        parts: The predictions.
        folder: The folder of the files.
        sources: The folders of the images; their subfolders are those of the files.
        original: The way to the sizes of the images; None for the size of the predictions.

    Returns:
        The number of samples.

    Raises:
        DataError: for predictions without class maps, and for two images with one name.
        CheckpointIOError: if the files cannot be written.
    """
    require_pillow(str(folder))
    samples = 0
    with explaining_io(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        waiting = Path(tempfile.mkdtemp(prefix=".tinynet-", dir=folder.parent))
        try:
            for part in parts:
                samples += len(part)
                for name, source, indices in _maps(part, sources, original):
                    path = waiting / name
                    if path.exists():
                        raise DataError(
                            f"two images would be written as {folder / name}; predict them with"
                            " separate commands"
                        )
                    target = folder / name
                    if source is not None and os.path.realpath(target) == os.path.realpath(source):
                        raise DataError(
                            f"the class map of {source} would replace it; name another folder"
                        )
                    path.parent.mkdir(parents=True, exist_ok=True)
                    write_class_map(path, indices)
            _move(waiting, folder)
        finally:
            shutil.rmtree(waiting, ignore_errors=True)
    return samples


def _maps(
    part: Predictions, sources: Sequence[Path], original: OriginalSize | None
) -> Iterator[tuple[str, str | None, Array]]:
    """Yield file name, source file and class indices (H, W) of each class map."""
    outputs = {
        name: output
        for name, output in part.outputs.items()
        if output.labels is not None and output.labels.ndim == 3
    }
    if not outputs:
        raise DataError(
            "the predictions have no class maps, which are labels of shape (H, W); write them as"
            " .csv, .jsonl or .npz"
        )
    files = [file for file in part.files for _ in range(file.samples)]
    for row, number in enumerate(part.row_numbers.tolist()):
        file = files[row] if files else None
        stem = _stem(Path(file.name), sources) if file is not None else ""
        if file is None or not file.is_image:
            stem = f"{stem}-{number}" if "file" in part.identity else str(number)
        for name, output in outputs.items():
            assert output.labels is not None
            assert output.classes is not None
            order = np.argsort(output.classes)
            indices = order[np.searchsorted(output.classes, output.labels[row], sorter=order)]
            if original is not None and file is not None and file.is_image:
                indices = original.restore(file.name, indices, len(output.classes))
            place = f"{name}/" if len(outputs) > 1 else ""
            yield f"{place}{stem}.png", None if file is None else file.name, indices


def _stem(file: Path, sources: Sequence[Path]) -> str:
    """Return the path of an image in its source folder, without ending; else its name alone."""
    for folder in sources:
        if file.is_relative_to(folder):
            return str(file.relative_to(folder).with_suffix(""))
    return file.stem


def _move(waiting: Path, folder: Path) -> None:
    """Move all files of a folder to another one."""
    for path in sorted(waiting.rglob("*.png")):
        target = folder / path.relative_to(waiting)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, target)
