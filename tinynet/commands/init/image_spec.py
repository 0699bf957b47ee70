"""The specs of folders of images: classes by folder, or masks."""

from pathlib import Path

from tinynet.builtin.images.inspection import inspect_files
from tinynet.builtin.images.listing import find_images
from tinynet.commands.init.draft import CLASSIFICATION, STOPPING, Draft, Part, classes_of
from tinynet.data.data import Data

LARGEST = 96
"""Longest side to which images of different sizes are resized."""

_MULTIPLE = 8
"""Sides that three poolings divide exactly."""


def draft_of_images(folder: Path, path: str) -> Draft:
    """Return a spec for a folder with a folder of images for each class.

    Raises:
        DataError: for a folder without images, and for images that cannot be read.
    """
    data: Part = {"type": "image_folder", "path": path}
    notes = _add_form(data, folder, 1)
    data["split"] = {"validation": 0.15, "test": 0.15, "stratify": True}
    data["transforms"] = [
        {"type": "random_shift", "on": "input"},
        {"type": "scale", "factor": 1 / 255},
    ]
    comment = "Classifies images by the folder they are in. Written by tinynet init."
    return Draft(folder.resolve().name, comment, data, _classifier, notes)


def draft_of_masks(folder: Path, path: str) -> Draft:
    """Return a spec for a folder with the folders ``images`` and ``masks``."""
    data: Part = {"type": "image_folder"}
    notes = _add_form(data, folder / "images", _MULTIPLE)
    data |= {"images": f"{path}/images", "masks": f"{path}/masks"}
    data["split"] = {"validation": 0.15, "test": 0.15}
    data["transforms"] = [
        {"type": "random_flip", "on": ["input", "target"]},
        {"type": "scale", "factor": 1 / 255},
    ]
    comment = "Assigns a class to every pixel of an image. Written by tinynet init."
    return Draft(folder.resolve().name, comment, data, _segmenter, notes)


def _add_form(data: Part, folder: Path, multiple: int) -> list[str]:
    """Add the size of the images to the data unless all have a usable one; return remarks.

    The sides must be multiples of ``multiple``.
    """
    found = find_images(str(folder))
    inspected = inspect_files([found.path(n) for n in found.images], None, sizes=True, colors=None)
    sizes = sorted(one.size for one in inspected if one.size is not None)
    if not sizes:
        return []
    width, height = sizes[len(sizes) // 2]
    scale = min(1.0, LARGEST / max(width, height))
    target = [_rounded(height * scale), _rounded(width * scale)]
    if len({*sizes}) == 1 and scale == 1.0 and not (width % multiple or height % multiple):
        return []
    data["size"] = target
    return [
        f"images are resized to {target[1]} x {target[0]} pixels; larger ones take longer to train"
    ]


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
