"""Images in folders, with classes, targets of a table, or masks."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError
from xxhash import xxh3_128

from tinynet import dataset
from tinynet.builtin.datasets._arrays import Source, TargetConfig
from tinynet.builtin.images.inspection import Inspected, common_size, inspect_files
from tinynet.builtin.images.listing import Listing, list_by_class, list_pairs, list_unlabeled
from tinynet.builtin.images.masks import COLOR, MaskCode, PixelValue, mask_code, uses_colors
from tinynet.builtin.images.pixels import Decoding, Pixels, broken_message
from tinynet.builtin.images.target_table import list_from_table
from tinynet.builtin.images.unlabeled import UnlabeledImages, kept_columns
from tinynet.config import PositivePair
from tinynet.dataset import Batch, FilePath, InputRows, State
from tinynet.errors import DataError
from tinynet.files.available_memory import show_bytes
from tinynet.files.image_resizing import Interpolation, ResizeMethod, Resizing
from tinynet.files.images import ENDINGS, Mode, require_pillow
from tinynet.text.mistakes import AlsoCalled
from tinynet.text.wording import format_list
from tinynet.types import Array

_MODES: dict[str, Mode] = {"gray": "L", "rgb": "RGB", "rgba": "RGBA"}

_Value = Annotated[int, Field(ge=0)] | Annotated[str, Field(pattern=COLOR)]


class ImageFolder:
    """Images (H, W, C), uint8, of PNG, JPEG, BMP, GIF, TIFF and WebP files; they need Pillow.

    The folder ``path`` has one folder of images for each class; or ``table`` names the files in it
    and their targets; or the folders ``images`` and ``masks`` hold files of the same names, apart
    from the endings, and a mask becomes the class of each pixel, (H, W). Hidden files are skipped.

    EXIF orientation is applied, transparent parts are drawn on white unless ``color`` is
    ``"rgba"``, and 16-bit gray is reduced to 8 bits unless ``dtype`` is ``"uint16"``. Masks are
    never interpolated; pixels that do not count have the weight 0. The images are decoded by
    several threads: once if they fit into a quarter of the available memory, else in every epoch.

    Raises:
        DataError: naming all files that cannot be used.
    """

    example: ClassVar = {"path": "photos", "size": [64, 64]}

    class Config(TargetConfig):
        """Parameters of `image_folder`."""

        path: Annotated[FilePath | None, AlsoCalled(("folder", "directory", "root"))] = Field(
            default=None, description="The folder of the images."
        )
        table: FilePath | None = Field(
            default=None, description="The CSV file of file names in `path` and their targets."
        )
        file: Annotated[str | None, AlsoCalled(("filename", "image_column"))] = Field(
            default=None, description="The table's column of file names; by default the first."
        )
        target: Annotated[
            str | tuple[str, ...] | dict[str, str | tuple[str, ...]] | None,
            AlsoCalled(("targets", "labels")),
        ] = Field(
            default=None,
            description="The table's column to predict; or several columns of numbers; or an object"
            " with the column, or the columns, of each of several targets.",
        )
        ending: str = Field(
            default="", description="Appended to the names in the table, such as '.jpg'."
        )
        delimiter: str = Field(
            default=",",
            pattern=r'^[^"\r\n\x00]$',
            description="The one character between two cells of the table.",
        )
        labeled: bool = Field(
            default=True, description="False for images without targets, in any folders of `path`."
        )
        images: FilePath | None = Field(
            default=None, description="The folder of the images that have masks."
        )
        masks: FilePath | None = Field(
            default=None, description="The folder of a mask for each image."
        )
        mask_suffix: str = Field(
            default="",
            description="The end of the names of masks, before the file ending, such as '_mask'.",
        )
        mask_values: tuple[_Value, ...] | None = Field(
            default=None,
            min_length=1,
            description="The pixel value of each class in the masks: gray values, palette indices,"
            " or colors such as '#ff0000'; by default all values that occur, ascending.",
        )
        ignore: tuple[_Value, ...] = Field(
            default=(), description="Pixel values of masks whose pixels do not count."
        )
        size: Annotated[PositivePair | None, AlsoCalled(("image_size", "shape"))] = Field(
            default=None,
            description="[height, width] in pixels; may be left out if all images have one size.",
        )
        color: Annotated[
            Literal["rgb", "gray", "rgba"], AlsoCalled(("color_mode", "mode", "channels"))
        ] = Field(default="rgb", description="The channels of the images.")
        dtype: Literal["uint8", "uint16"] = Field(
            default="uint8", description="'uint16' keeps 16-bit gray images as they are."
        )
        resize: ResizeMethod = Field(
            default="stretch",
            description="'stretch': change the aspect ratio. 'crop': cut off what exceeds it."
            " 'pad': add a black border.",
        )
        interpolation: Interpolation = Field(
            default="bilinear", description="The interpolation of resized images, without aliasing."
        )
        skip_broken: bool = Field(
            default=False, description="Leave out images that cannot be read."
        )
        inferred: dict[str, JsonValue] | None = Field(
            default=None,
            description="The classes of each target and their pixel values in masks, as tinynet"
            " found them; written into the spec of a run.",
        )

        @model_validator(mode="after")
        def _one_form(self) -> Self:
            pairs = self.images is not None or self.masks is not None
            if pairs and (self.images is None or self.masks is None):
                lacking = "images" if self.images is None else "masks"
                raise _mistake(f'"images" and "masks" belong together; name the folder "{lacking}"')
            if pairs == (self.path is not None):
                raise _mistake(
                    'name the folder of the images in "path", or, with masks, the folders "images"'
                    ' and "masks"'
                )
            if (self.table is None) != (self.target is None):
                raise _mistake(
                    '"table" and "target" belong together: the table names the files, and "target"'
                    " its column to predict"
                )
            for names, owner, has_owner in (
                (("file", "ending", "delimiter", "target_type"), "table", self.table is not None),
                (("mask_suffix", "mask_values", "ignore"), "masks", pairs),
            ):
                if not has_owner and (idle := self._changed(names)):
                    raise _mistake(f'{format_list(idle)}: options of "{owner}", which is not set')
            if not self.labeled and (idle := self._changed(("table", "masks", "classes"))):
                raise _mistake(f'"labeled": false leaves no targets; remove {format_list(idle)}')
            if self.dtype == "uint16" and self.color != "gray":
                raise _mistake('"dtype": "uint16" needs "color": "gray"')
            self._check_mask_values()
            return self

        def _changed(self, names: Sequence[str]) -> list[str]:
            fields = type(self).model_fields
            return [f'"{n}"' for n in names if getattr(self, n) != fields[n].default]

        def _check_mask_values(self) -> None:
            values = [*(self.mask_values or ()), *self.ignore]
            if len({isinstance(value, str) for value in values}) > 1:
                raise _mistake('"mask_values" and "ignore" are all numbers, or all colors')
            if len({str(value).lower() for value in values}) < len(values):
                raise _mistake('a value occurs twice in "mask_values" and "ignore"')
            if None not in (self.mask_values, self.classes) and len(self.mask_values or ()) != len(
                self.classes or ()
            ):
                raise _mistake('"mask_values" and "classes" have different lengths')

        def classes_of(self, target: str) -> tuple[str, ...] | None:
            """Return the classes of a target, if the spec or a run has them."""
            if self.classes is not None:
                return self.classes
            recorded = (self.inferred or {}).get("classes")
            names = recorded.get(target) if isinstance(recorded, dict) else None
            return tuple(map(str, names)) if isinstance(names, list) else None

        @property
        def pixel_values(self) -> tuple[PixelValue, ...] | None:
            """The pixel value of each class in masks, if the spec or a run has them."""
            recorded = (self.inferred or {}).get("mask_values")
            if self.mask_values is not None or not isinstance(recorded, list):
                return self.mask_values
            return tuple(value for value in recorded if isinstance(value, int | str))

        @property
        def mode(self) -> Mode:
            """Pillow's mode of the images."""
            return "I" if self.dtype == "uint16" else _MODES[self.color]

    def __init__(self, config: Config) -> None:
        listing = _list(config)
        require_pillow(listing.folder)
        colors = uses_colors(config.pixel_values, config.ignore)
        inspected = inspect_files(
            listing.images, listing.masks, sizes=config.size is None, colors=colors
        )
        problems = {row: one.problem for row, one in enumerate(inspected) if one.problem}
        rows = [row for row in range(len(inspected)) if row not in problems]
        if not rows:
            raise DataError(broken_message(list(problems.values())))
        sound = [inspected[row] for row in rows]
        images = [listing.images[row] for row in rows]
        masks = None if listing.masks is None else [listing.masks[row] for row in rows]
        try:
            decoding = _decoding(config, listing.folder, images, sound)
        except DataError as error:
            if problems and not config.skip_broken:
                raise DataError(f"{broken_message(list(problems.values()))}\n  {error}") from error
            raise
        self._pixels = Pixels(decoding, images, masks)
        if config.skip_broken or self._pixels.fit:
            undecodable = self._pixels.decode_all()
            problems |= {rows[row]: problem for row, problem in undecodable.items()}
            rows = [row for row in rows if row not in problems]
        if problems and (not config.skip_broken or not rows):
            raise DataError(broken_message([problems[row] for row in sorted(problems)]))
        self._code, self._skipped = decoding.code, [problems[row] for row in sorted(problems)]
        self._places = [listing.images[row] for row in rows]
        self._notes, self._folder = listing.notes, listing.folder
        self._targets = {name: _rows(source, rows) for name, source in listing.targets.items()}
        self._weighted = decoding.code is not None and (
            bool(config.ignore) or config.resize == "pad"
        )
        self.inputs = {"input": dataset.Field(decoding.shape, decoding.dtype.name)}
        self.targets = {name: source.field for name, source in self._targets.items()}
        if decoding.code is not None:
            self.targets["target"] = dataset.Field(
                decoding.shape[:2], "int64", classes=decoding.code.classes
            )
        self.fingerprint = self._fingerprint(config, decoding, [inspected[row] for row in rows])

    def _fingerprint(
        self, config: Config, decoding: Decoding, inspected: Sequence[Inspected]
    ) -> str:
        resizing = decoding.resizing
        code = None if decoding.code is None else asdict(decoding.code)
        fields = {name: [field.classes, field.names] for name, field in self.targets.items()}
        header = [decoding.mode, asdict(resizing), code, fields, self._weighted]
        digest = xxh3_128(json.dumps(header).encode())
        for one in inspected:
            digest.update(one.digest)
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
        images, masks = self._pixels.read(rows)
        targets = {name: source.gather(rows) for name, source in self._targets.items()}
        if self._code is None or masks is None:
            return Batch({"input": images}, targets)
        counts = masks != self._code.nothing
        targets["target"] = np.where(counts, masks, 0).astype(np.int64)
        return Batch(
            {"input": images}, targets, counts.astype(np.float64) if self._weighted else None
        )

    input_endings = ENDINGS
    takes_folders = True

    @classmethod
    def read_inputs(
        cls, config: Config, path: str, fields: Mapping[str, dataset.Field]
    ) -> dict[str, Array]:
        """Read one image, or all images of a folder."""
        parts = [part.inputs["input"] for part in cls.read_rows(config, path, fields, {}, ())]
        return {"input": np.concatenate(parts)}

    @classmethod
    def read_rows(
        cls,
        config: Config,
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
        for pixels, rows in images.chunks(decoding, resize=config.size is not None):
            places = images.places[rows.start : rows.stop]
            yield InputRows({"input": pixels}, np.array(rows), places, kept_columns(keep, places))

    def where(self, index: int) -> str:
        """File of a sample."""
        return self._places[index]

    def where_in(self, name: str, index: int) -> str:
        """File of a sample, or the line of the table with its target."""
        source = self._targets.get(name)
        return self._places[index] if source is None or source.lines is None else source.row(index)

    @property
    def inferred(self) -> Mapping[str, JsonValue]:
        """The classes of each target, and their pixel values in masks."""
        classes: dict[str, JsonValue] = {
            name: list(field.classes)
            for name, field in self.targets.items()
            if field.classes is not None
        }
        values = {} if self._code is None else {"mask_values": self._code.shown_values}
        return {"classes": classes, **values}

    def description(self) -> list[str]:
        """Return lines about the images, for `tinynet check`."""
        field = self.inputs["input"]
        memory = show_bytes(self._pixels.nbytes)
        kept = "kept in memory" if self._pixels.cached else "decoded in every epoch"
        lines = [
            f"{len(self):,} images of {field.shape[0]} x {field.shape[1]} pixels (height x width),"
            f" {field.shape[2]} channels, {field.dtype}; {memory}, {kept}"
        ]
        for name, source in self._targets.items():
            if source.classes is not None:
                counts = np.bincount(source.values[:], minlength=len(source.classes)).tolist()
                shown = [f"{c} ({n:,})" for c, n in zip(source.classes, counts, strict=True)]
                lines.append(f"{name}: {len(shown):,} classes: {format_list(shown)}")
        if self._code is not None:
            pairs = zip(self._code.classes, self._code.shown_values, strict=True)
            shown = [f"{name} ({value})" for name, value in pairs]
            lines.append(f"target: {len(shown):,} classes of pixels: {format_list(shown)}")
        if self._skipped:
            lines.append(
                f"left out {len(self._skipped):,} broken files: {format_list(self._skipped)}"
            )
        return [*lines, *self._notes]


def _mistake(message: str) -> PydanticCustomError:
    return PydanticCustomError("image_folder", message)


def _list(config: ImageFolder.Config) -> Listing:
    if config.images is not None and config.masks is not None:
        return list_pairs(config.images, config.masks, config.mask_suffix)
    assert config.path is not None
    if config.table is not None and config.target is not None:
        targets = config.target if isinstance(config.target, dict) else {"target": config.target}
        return list_from_table(
            config.path,
            config.table,
            config.file,
            targets,
            {name: _kind(config, name) for name in targets},
            delimiter=config.delimiter,
            ending=config.ending,
        )
    if not config.labeled:
        return list_unlabeled(config.path)
    return list_by_class(config.path, config.classes_of("target"))


def _kind(config: ImageFolder.Config, target: str) -> TargetConfig:
    """Return the kind of a target: that of the spec, or that which a run recorded."""
    if (classes := config.classes_of(target)) is not None:
        return TargetConfig(target_type="class", classes=classes)
    kind = "number" if config.inferred is not None else config.target_type
    return TargetConfig(target_type=kind)


def _decoding(
    config: ImageFolder.Config, folder: str, images: Sequence[str], sound: Sequence[Inspected]
) -> Decoding:
    code: MaskCode | None = None
    if config.masks is not None:
        contents = [one.mask for one in sound if one.mask is not None]
        code = mask_code(
            config.masks,
            contents,
            config.classes_of("target"),
            config.pixel_values,
            config.ignore,
        )
    size = config.size or common_size(folder, images, sound)
    return Decoding(config.mode, Resizing(*size, config.resize, config.interpolation), code)


def _rows(source: Source, rows: Sequence[int]) -> Source:
    if len(rows) == len(source):
        return source
    lines = None if source.lines is None else [source.lines[row] for row in rows]
    return replace(source, values=source.values[np.array(rows)], lines=lines)
