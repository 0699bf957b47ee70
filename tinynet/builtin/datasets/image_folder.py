"""Images in folders, with classes, targets of a table, or masks."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, ClassVar

import numpy as np
from pydantic import JsonValue
from xxhash import xxh3_128

from tinynet import dataset
from tinynet.builtin.datasets._arrays import Source
from tinynet.builtin.images.depth import depth_notes
from tinynet.builtin.images.listing import Listing, list_by_class, list_pairs, list_unlabeled
from tinynet.builtin.images.opening import OpenedImages, open_images
from tinynet.builtin.images.options import ImageFolderConfig
from tinynet.builtin.images.pixels import Decoding
from tinynet.builtin.images.target_table import list_from_table
from tinynet.builtin.images.unlabeled import UnlabeledImages, kept_columns
from tinynet.dataset import Batch, InputRows, State
from tinynet.files.available_memory import show_bytes
from tinynet.files.image_resizing import Resizing
from tinynet.files.images import ENDINGS
from tinynet.text.wording import format_list
from tinynet.types import Array

_COLORS = {1: "gray", 3: "RGB", 4: "RGBA"}
"""Names of the numbers of channels."""


class ImageFolder:
    """Images (H, W, C), uint8, of PNG, JPEG, BMP, GIF, TIFF and WebP files; they need Pillow.

    The folder ``path`` has one folder of images for each class; or ``table`` names the files in it
    and their targets; or the folders ``images`` and ``masks`` hold files of the same names, apart
    from the endings, and a mask becomes the class of each pixel, (H, W). Hidden files are skipped.

    EXIF orientation is applied, transparent parts are drawn on white unless ``color`` is
    ``"rgba"``, and 16-bit gray is reduced to 8 bits unless ``dtype`` is ``"uint16"``. Masks are
    never interpolated; pixels to ignore have a class of their own, the last one, which is the
    ``ignore_label`` of the loss. The images are decoded by several threads: once if they fit into a
    quarter of the available memory, else in every epoch.

    Raises:
        DataError: naming all files that cannot be used.
    """

    example: ClassVar = {"path": "photos", "size": [64, 64]}

    Config: ClassVar = ImageFolderConfig

    def __init__(self, config: ImageFolderConfig) -> None:
        self._config, listing = config, _list(config)
        opened = open_images(listing, config)
        self._pixels, self._code, self._broken = opened.pixels, opened.decoding.code, opened.broken
        self._shares = opened.shares
        self._rows, self._column = np.array(opened.rows), listing.column
        self._places, self._notes = [listing.images[row] for row in opened.rows], listing.notes
        self._targets = {
            name: _rows(source, opened.rows) for name, source in listing.targets.items()
        }
        shape, dtype = opened.decoding.shape, opened.decoding.dtype.name
        self.inputs = {"input": dataset.Field(shape, dtype)}
        self.targets = {name: source.field for name, source in self._targets.items()}
        if self._code is not None:
            self.targets["target"] = dataset.Field(shape[:2], "int64", classes=self._code.names)
        self.fingerprint = self._fingerprint(opened)

    def _fingerprint(self, opened: OpenedImages) -> str:
        decoding = opened.decoding
        code = None if decoding.code is None else decoding.code.identity
        fields = {name: [field.classes, field.names] for name, field in self.targets.items()}
        header = [decoding.mode, asdict(decoding.resizing), code, fields]
        digest = xxh3_128(json.dumps([header, *opened.digests]).encode())
        for source in self._targets.values():
            digest.update(np.ascontiguousarray(source.values[:]).data)
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(self._places)

    def gather(self, indices: Array) -> Batch:
        """Return the samples at ``indices`` (N,), in arrays of the caller's own.

        Raises:
            DataError: naming the images that cannot be decoded.
        """
        rows = np.asarray(indices)
        return replace(self.gather_targets(rows), inputs={"input": self._pixels.read_images(rows)})

    def gather_targets(self, indices: Array) -> Batch:
        """Return the samples at ``indices`` (N,) without the images, which are not decoded."""
        rows = np.asarray(indices)
        targets = {name: source.gather(rows) for name, source in self._targets.items()}
        if self._code is None:
            return Batch({}, targets)
        targets["target"] = self._pixels.read_masks(rows).astype(np.int64)
        return Batch({}, targets)

    input_endings = ENDINGS
    takes_folders = True

    @classmethod
    def read_inputs(
        cls, config: ImageFolderConfig, path: str, fields: Mapping[str, dataset.Field]
    ) -> dict[str, Array]:
        """Read one image, or all images of a folder."""
        parts = [part.inputs["input"] for part in cls.read_rows(config, path, fields, {}, ())]
        return {"input": np.concatenate(parts)}

    @classmethod
    def read_rows(
        cls,
        config: ImageFolderConfig,
        source: Any,
        fields: Mapping[str, dataset.Field],
        state: State,
        keep: Sequence[str],
    ) -> Iterator[InputRows]:
        """Read a file, a folder with its subfolders, or a list of files, arrays or Pillow's images.

        The only column to ``keep`` is ``file``.
        """
        images = UnlabeledImages.of(source)
        height, width, _ = fields["input"].shape
        resizing = Resizing(height, width, config.resize, config.interpolation)
        decoding = Decoding(config.mode, resizing)
        resize, skip_broken = config.size is not None, config.skip_broken
        for pixels, rows in images.chunks(decoding, resize=resize, skip_broken=skip_broken):
            places = [images.places[row] for row in rows.tolist()]
            yield InputRows({"input": pixels}, rows, places, kept_columns(keep, places))

    def where(self, index: int) -> str:
        """File of a sample."""
        return self._places[index]

    def where_in(self, name: str, index: int) -> str:
        """File of a sample, or the line of the table with its target."""
        source = self._targets.get(name)
        return self._places[index] if source is None or source.locate is None else source.row(index)

    def column_values(self, name: str) -> Array:
        """Return a column of the table, (N,); without a table, the column is ``folder``.

        Raises:
            DataError: for a column that does not exist.
        """
        values: Array = self._column(name)[self._rows]
        return values

    @property
    def inferred(self) -> Mapping[str, JsonValue]:
        """The classes of each target, and their pixel values in masks."""
        classes: dict[str, JsonValue] = {
            name: [*(field.classes or field.names or ())]
            for name, field in self.targets.items()
            if field.classes is not None or self._config.has_labels(name)
        }
        if self._code is not None:
            classes["target"] = [*self._code.classes]
        return {"classes": classes, **({} if self._code is None else self._code.inferred)}

    def description(self) -> list[str]:
        """Return lines about the images, for `tinynet check`."""
        field = self.inputs["input"]
        memory = show_bytes(self._pixels.nbytes)
        kept = "kept in memory" if self._pixels.cached else "decoded in every epoch"
        lines = [
            f"{len(self):,} images of {field.shape[0]} x {field.shape[1]} pixels (height x width),"
            f" {_COLORS[field.shape[2]]}, {field.dtype}; {memory}, {kept}"
        ]
        lines += depth_notes(self._places, field.dtype)
        for name, source in self._targets.items():
            if source.classes is not None:
                counts = np.bincount(source.values[:], minlength=len(source.classes)).tolist()
                shown = [f"{c} ({n:,})" for c, n in zip(source.classes, counts, strict=True)]
                lines.append(f"{name}: {len(shown):,} classes: {format_list(shown)}")
        if self._code is not None:
            shown = self._code.describe(self._shares)
            lines.append(
                f"target: {len(self._code.classes):,} classes of pixels: {format_list(shown)}"
            )
            if self._code.ignored:
                label = f'"ignore_label": {len(self._code.classes)}'
                lines.append(f"target: pixels to ignore need {label} in the loss and the metrics")
        if self._broken:
            lines.append(
                f"left out {len(self._broken):,} broken files: {format_list(self._broken)}"
            )
        return [*lines, *self._notes]


def _list(config: ImageFolderConfig) -> Listing:
    if config.images is not None and config.masks is not None:
        return list_pairs(config.images, config.masks, config.mask_suffix)
    assert config.path is not None
    if config.table is not None:
        return list_from_table(config.path, config.table, config)
    if not config.labeled:
        return list_unlabeled(config.path)
    return list_by_class(config.path, config.classes_of("target"))


def _rows(source: Source, rows: Sequence[int]) -> Source:
    """Return some rows of a source."""
    if len(rows) == len(source):
        return source
    locate = None if source.locate is None else lambda row: source.row(rows[row])
    return replace(source, values=source.values[np.array(rows)], locate=locate)
