"""The options of the dataset `image_folder`."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from tinynet.builtin.datasets._arrays import TargetConfig
from tinynet.builtin.images.mask_contents import COLOR, PixelValue
from tinynet.builtin.tables.config import Column, ColumnOptions, Columns
from tinynet.config import PositivePair
from tinynet.dataset import FilePath
from tinynet.files.image_resizing import Interpolation, ResizeMethod
from tinynet.files.images import Mode
from tinynet.text.mistakes import AlsoCalled
from tinynet.text.wording import format_list

_MODES: dict[str, Mode] = {"gray": "L", "rgb": "RGB", "rgba": "RGBA"}

_Value = Annotated[int, Field(ge=0)] | Annotated[str, Field(pattern=COLOR)]


class ImageFolderConfig(TargetConfig):
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
        Column | Columns | dict[str, Column | Columns] | None,
        AlsoCalled(("targets", "labels")),
    ] = Field(
        default=None,
        description="The table's column to predict; or several columns of numbers; or an object"
        " with the column, or the columns, of each of several targets.",
    )
    columns: dict[str, ColumnOptions] | None = Field(
        default=None,
        description="Kind and options of the table's columns of targets, as in the dataset `csv`:"
        ' {"tags": {"kind": "category", "separator": "|"}}.',
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
    masks: FilePath | None = Field(default=None, description="The folder of a mask for each image.")
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
    nearest: bool = Field(
        default=False,
        description="Round other pixel values of masks to the nearest of `mask_values`, as JPEG"
        " and smoothing need.",
    )
    ignore: tuple[_Value, ...] = Field(
        default=(),
        description="Pixel values of masks whose pixels do not count: they have a class of their"
        " own after the others, which is the ignore_label of the loss and the metrics.",
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
        " 'pad': add a black border, of the ignored class of masks, or else of the first.",
    )
    interpolation: Interpolation = Field(
        default="bilinear", description="The interpolation of resized images, without aliasing."
    )
    skip_broken: bool = Field(default=False, description="Leave out images that cannot be read.")
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
        if self.target == {}:
            raise _mistake('"target" names no column')
        for names, owner, has_owner in (
            (
                ("file", "ending", "delimiter", "columns", "target_type"),
                "table",
                self.table is not None,
            ),
            (("mask_suffix", "mask_values", "nearest", "ignore"), "masks", pairs),
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
        if self.nearest and self.mask_values is None:
            raise _mistake('"nearest" rounds to the values in "mask_values", which are not set')
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
    def single_targets(self) -> dict[str, str]:
        """The column of each target that is one column, if the spec gives its name."""
        targets = self.target if isinstance(self.target, dict) else {"target": self.target}
        return {name: column for name, column in targets.items() if isinstance(column, str)}

    def has_labels(self, target: str) -> bool:
        """Return True if each cell of a target holds several labels."""
        options = (self.columns or {}).get(self.single_targets.get(target, ""))
        return options is not None and options.separator is not None

    @property
    def pixel_values(self) -> tuple[PixelValue, ...] | None:
        """The pixel value of each class in masks, if the spec or a run has them."""
        recorded = (self.inferred or {}).get("mask_values")
        if self.mask_values is not None or not isinstance(recorded, list):
            return self.mask_values
        return tuple(value for value in recorded if isinstance(value, int | str))

    @property
    def palette(self) -> dict[int, int]:
        """The color of each palette index in the masks of a run, if these have palettes."""
        recorded = (self.inferred or {}).get("palette")
        colors = recorded if isinstance(recorded, dict) else {}
        return {int(value): int(str(color)[1:], 16) for value, color in colors.items()}

    @property
    def mode(self) -> Mode:
        """Pillow's mode of the images."""
        return "I" if self.dtype == "uint16" else _MODES[self.color]


def _mistake(message: str) -> PydanticCustomError:
    return PydanticCustomError("image_folder", message)
