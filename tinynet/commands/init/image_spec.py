"""The specs of folders of images: classes by folder, or masks."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tinynet.builtin.images.listing import find_images
from tinynet.commands.init.draft import (
    CLASSIFICATION,
    STOPPING,
    Draft,
    Part,
    Repair,
    classes_of,
    spec_name,
)
from tinynet.commands.init.folder_parts import Pair, held_out, inside
from tinynet.data.data import Data
from tinynet.errors import DataError
from tinynet.files.images import displayed_size, open_image, require_pillow
from tinynet.files.parallel import map_in_threads

LARGEST = 96
"""Longest side to which images of different sizes are resized."""

_MULTIPLE = 8
"""Sides that three poolings divide exactly."""

_GRAY = ("1", "L", "I;16")
"""The starts of Pillow's modes of gray images."""

REPAIRS: tuple[Repair, ...] = (({"skip_broken": True}, "images that cannot be read are left out"),)
"""The settings that are tried if the images cannot be opened."""


def draft_of_images(folder: Path, path: str, parts: Mapping[str, Path], notes: list[str]) -> Draft:
    """Return a spec for a folder with a folder of images for each class.

    Args:
        folder: The folder of all data.
        path: Its path in the spec.
        parts: The folders of training, validation and test.
        notes: Remarks so far.

    Raises:
        DataError: for folders without images.
    """
    form = _form([*parts.values()], 1, notes)
    data = _divided(
        {
            part: {"type": "image_folder", "path": inside(folder, path, own), **form}
            for part, own in parts.items()
        }
    )
    if split := held_out(parts, stratify=True):
        data["split"] = split
    data["transforms"] = [
        {"type": "random_shift", "on": "input"},
        {"type": "scale", "factor": 1 / 255},
    ]
    comment = "Classifies images by the folder they are in. Written by tinynet init."
    return Draft(spec_name(folder), comment, data, _classifier, notes, REPAIRS)


def draft_of_masks(folder: Path, path: str, pairs: Mapping[str, Pair]) -> Draft:
    """Return a spec for folders of images and of masks with the same names."""
    notes: list[str] = []
    form = _form([pair.images for pair in pairs.values()], _MULTIPLE, notes)
    data = _divided(
        {
            part: {
                "type": "image_folder",
                **form,
                "images": inside(folder, path, pair.images),
                "masks": inside(folder, path, pair.masks),
                **({"mask_suffix": pair.suffix} if pair.suffix else {}),
            }
            for part, pair in pairs.items()
        }
    )
    if split := held_out(pairs):
        data["split"] = split
    data["transforms"] = [
        {"type": "random_flip", "on": ["input", "target"]},
        {"type": "scale", "factor": 1 / 255},
    ]
    comment = "Assigns a class to every pixel of an image. Written by tinynet init."
    return Draft(spec_name(folder), comment, data, _segmenter, notes, REPAIRS)


def _divided(parts: Mapping[str, Part]) -> Part:
    """Return the dataset for training with those of the other parts."""
    return {**parts["train"], **{part: own for part, own in parts.items() if part != "train"}}


def _form(folders: Sequence[Path], multiple: int, notes: list[str]) -> Part:
    """Return the options for the size and the colors of all images.

    The sides must be multiples of ``multiple``.
    """
    require_pillow(str(folders[0]))
    found = [find_images(str(folder)) for folder in folders]
    paths = [one.path(name) for one in found for name in one.images]
    forms = [form for form in map_in_threads(_size_and_mode, paths) if form is not None]
    if not forms:
        return {}
    options: Part = {}
    if all(mode.startswith(_GRAY) for _, mode in forms):
        options["color"] = "gray"
    sizes = sorted(size for size, _ in forms)
    width, height = sizes[len(sizes) // 2]
    scale = min(1.0, LARGEST / max(width, height))
    if len({*sizes}) > 1 or scale < 1.0 or width % multiple or height % multiple:
        options["size"] = [_rounded(height * scale), _rounded(width * scale)]
        notes.append(
            f"images are resized to {options['size'][0]} x {options['size'][1]} pixels (height x"
            " width); larger ones take longer to train"
        )
    return options


def _size_and_mode(path: str) -> tuple[tuple[int, int], str] | None:
    """Return width, height and Pillow's mode of an image; None if it cannot be read."""
    try:
        with open_image(path) as image:
            return displayed_size(image), image.mode
    except DataError:
        return None


def _rounded(side: float) -> int:
    return max(_MULTIPLE, round(side / _MULTIPLE) * _MULTIPLE)


def _classifier(data: Data) -> tuple[Part, Part]:
    layers: list[Part | str] = []
    for filters in (16, 32, 64):
        layers += [
            {"type": "conv2d", "filters": filters, "kernel_size": 3, "padding": "same"},
            "batch_norm",
            "relu",
            "max_pool2d",
        ]
    layers += ["global_avg_pool2d", {"type": "dropout", "rate": 0.2}]
    layers.append({"type": "dense", "units": classes_of(data)})
    return {"layers": layers}, _training(data, 40)


def _segmenter(data: Data) -> tuple[Part, Part]:
    """Return a U-Net (Ronneberger, Fischer and Brox, 2015) of two levels."""
    convolution = {"type": "conv2d", "filters": "$filters", "kernel_size": 3, "padding": "same"}
    blocks: Part = {
        "features": {
            "params": {"filters": None},
            "layers": [convolution, "relu", convolution, "relu"],
        },
        "up": {
            "params": {"filters": None},
            "inputs": ["below", "skip"],
            "layers": [
                {"type": "up_sampling2d", "inputs": "input:below"},
                {"type": "concat", "inputs": ["up_sampling2d_1", "input:skip"]},
                {"block": "features", "filters": "$filters"},
            ],
        },
    }
    layers: list[Part | str] = [
        {"block": "features", "filters": 16, "name": "fine"},
        "max_pool2d",
        {"block": "features", "filters": 32, "name": "middle"},
        "max_pool2d",
        {"block": "features", "filters": 64, "name": "coarse"},
        {"block": "up", "filters": 32, "inputs": ["coarse", "middle"]},
        {"block": "up", "filters": 16, "inputs": ["up_1", "fine"]},
        {"type": "conv2d", "filters": classes_of(data), "kernel_size": 1},
    ]
    return {"blocks": blocks, "layers": layers}, _training(data, 40)


def _training(data: Data, epochs: int) -> Part:
    return {
        "epochs": epochs,
        "batch_size": 16 if data.size("train") < 1_000 else 32,
        "seed": 1,
        **CLASSIFICATION,
        "optimizer": {"type": "adamw", "learning_rate": 0.002, "weight_decay": 0.01},
        **STOPPING,
    }
