"""The cases that test_contract.py checks of datasets: files, and the options that read them."""

import gzip
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

from tinynet.builtin.datasets.memory import MemoryArrays
from tinynet.testing import Check, dataset_checks

Case: TypeAlias = Callable[[type[Any], Path], Iterator[Check]]
"""The checks of a class, whose files are written into a folder."""

DRAW = np.random.default_rng(0)
LABELS = np.array([2, 0, 1, 2, 1, 0])
SEQUENCES = DRAW.integers(3, size=(6, 4))
NUMBERS = DRAW.normal(size=(6, 2))
SHARES = DRAW.uniform(0.1, 0.9, (6, 2))


def digits(cls: type[Any], folder: Path) -> Iterator[Check]:
    return dataset_checks(cls, {})


def csv(cls: type[Any], folder: Path) -> Iterator[Check]:
    path = folder / "flowers.csv"
    path.write_text("width,height,kind\n1.5,2,rose\n3,4.25,lily\n5,6,rose\n", encoding="utf-8")
    return dataset_checks(cls, {"path": str(path), "target": "kind"})


def csv_of_numbers(cls: type[Any], folder: Path) -> Iterator[Check]:
    path = folder / "numbers.csv"
    path.write_text("a,b,c,w\n1,2,3,0.5\n4,5,6,1\n7,8,9,2\n", encoding="utf-8")
    return dataset_checks(cls, {"path": str(path), "target": "c", "weights": "w"})


def csv_of_every_kind(cls: type[Any], folder: Path) -> Iterator[Check]:
    path = folder / "houses.csv"
    path.write_text(
        "area,heating,built,tags,street,remarks,price,kind\n"
        "81.5,gas,1998-05-01,old|big,Elm Street,needs a new roof,120,flat\n"
        ",oil,2003-11-17,big,Oak Street,,250,house\n"
        "64,NA,2011-01-31,,Elm Street,close to the station,99.5,\n"
        "120,gas,,old,Pine Street,has a view of the park,310,house\n",
        encoding="utf-8",
    )
    options = {
        "features": {"row": ["area", "heating", "built", "tags"], "s": "street", "t": "remarks"},
        "target": {"price": "price", "kind": "kind"},
        "columns": {
            "area": {"missing": "median", "indicator": True},
            "built": {"missing": "most_frequent"},
            "tags": {"separator": "|"},
            "street": {"min_count": 2},
            "remarks": "text",
            "kind": {"missing": "drop_row"},
        },
    }
    return dataset_checks(cls, {"path": str(path), **options})


def parquet(cls: type[Any], folder: Path) -> Iterator[Check]:
    pyarrow = pytest.importorskip("pyarrow", reason="writes and reads Parquet")
    from pyarrow.parquet import write_table

    columns = {"width": [1.5, None, 5], "heat": ["gas", "oil", "gas"], "kind": ["a", "b", "a"]}
    write_table(pyarrow.table(columns), folder / "flowers.parquet")
    options = {"columns": {"width": {"missing": "median"}}, "target": "kind"}
    return dataset_checks(cls, {"path": str(folder / "flowers.parquet"), **options})


def npz(cls: type[Any], folder: Path) -> Iterator[Check]:
    path = folder / "arrays.npz"
    np.savez(path, x=np.float32(SHARES), y=LABELS)
    return dataset_checks(cls, {"path": str(path)})


def npz_of_sequences(cls: type[Any], folder: Path) -> Iterator[Check]:
    path = folder / "sequences.npz"
    np.savez(path, x=SEQUENCES, y=SEQUENCES, w=SEQUENCES + 0.5)
    return dataset_checks(cls, {"path": str(path), "weights": "w"})


def npz_without_targets(cls: type[Any], folder: Path) -> Iterator[Check]:
    path = folder / "inputs.npz"
    np.savez(path, x=SHARES)
    return dataset_checks(cls, {"path": str(path), "targets": None})


def npy(cls: type[Any], folder: Path) -> Iterator[Check]:
    paths = {"inputs": folder / "x.npy", "targets": folder / "y.npy"}
    np.save(paths["inputs"], np.float32(SHARES))
    np.save(paths["targets"], LABELS)
    return dataset_checks(cls, {name: str(path) for name, path in paths.items()})


def idx(cls: type[Any], folder: Path) -> Iterator[Check]:
    images, labels = folder / "images.gz", folder / "labels"
    pixels = bytes(range(2 * 3 * 4))
    images.write_bytes(gzip.compress(struct.pack(">4B3I", 0, 0, 8, 3, 2, 3, 4) + pixels))
    labels.write_bytes(struct.pack(">4BI", 0, 0, 8, 1, 2) + bytes([1, 0]))
    return dataset_checks(cls, {"images": str(images), "labels": str(labels)})


def memory_table(cls: type[Any], folder: Path) -> Iterator[Check]:
    class Filled(cls):  # type: ignore[misc]
        def __init__(self, config: Any) -> None:
            table = {"age": [1.5, 2, 30, 4], "sex": ["m", "f", None, "m"], "kind": ["a", "b"] * 2}
            super().__init__(config, table)

    return dataset_checks(Filled, {"target": "kind"})


def memory(cls: type[Any], folder: Path) -> Iterator[Check]:
    class Filled(cls):  # type: ignore[misc]
        def __init__(self, config: Any) -> None:
            labels = ["no", "yes", "no", "no", "yes", "no"]
            super().__init__(config, MemoryArrays({"input": NUMBERS}, {"target": labels}, LABELS))

    return dataset_checks(Filled, {})


def image_folder(cls: type[Any], folder: Path) -> Iterator[Check]:
    image = pytest.importorskip("PIL.Image", reason="images need Pillow")
    for kind, level in (("day", 200), ("night", 20)):
        (folder / kind).mkdir()
        image.new("L", (4, 3), level).save(folder / kind / "1.png")
    return dataset_checks(cls, {"path": str(folder), "size": [5, 6], "color": "gray"})


def image_masks(cls: type[Any], folder: Path) -> Iterator[Check]:
    image = pytest.importorskip("PIL.Image", reason="images need Pillow")
    paths = {"images": folder / "images", "masks": folder / "masks"}
    for path in paths.values():
        path.mkdir()
        for level in (0, 255):
            image.new("L", (4, 3), level).save(path / f"{level}.png")
    options = {name: str(path) for name, path in paths.items()}
    return dataset_checks(cls, {**options, "size": 4, "resize": "pad"})


def text(cls: type[Any], folder: Path) -> Iterator[Check]:
    path = folder / "text.txt"
    path.write_text("Grüße an alle,\n" * 3, encoding="utf-8")
    return dataset_checks(cls, {"path": str(path), "length": 5, "stride": 3})


def text_as_bytes(cls: type[Any], folder: Path) -> Iterator[Check]:
    path = folder / "bytes.txt"
    path.write_text("Grüße an alle,\n" * 3, encoding="utf-8")
    return dataset_checks(cls, {"path": str(path), "length": 5, "unit": "byte"})


def conll(cls: type[Any], folder: Path) -> Iterator[Check]:
    path = folder / "tags.conll"
    path.write_text("the D\ncat N\n\nit P\n", encoding="utf-8")
    return dataset_checks(cls, {"path": str(path)})


def text_folder(cls: type[Any], folder: Path) -> Iterator[Check]:
    for name, content in {"good": "Très bien.", "bad": "no"}.items():
        (folder / name).mkdir()
        (folder / name / "1.txt").write_text(content, encoding="utf-8")
    return dataset_checks(cls, {"path": str(folder)})


def text_lines(cls: type[Any], folder: Path) -> Iterator[Check]:
    path = folder / "lines.txt"
    path.write_text("spam\tBuy!\nham\tHello, it's ü\nham\tok\n", encoding="utf-8")
    return dataset_checks(cls, {"path": str(path), "layout": "label_text"})


def text_lines_with_tags(cls: type[Any], folder: Path) -> Iterator[Check]:
    path, tags = folder / "lines.txt", folder / "tags.txt"
    path.write_text("the cat\nit\n", encoding="utf-8")
    tags.write_text("D N\nP\n", encoding="utf-8")
    return dataset_checks(cls, {"path": str(path), "labels": str(tags), "target": "tags"})


DATASETS: dict[str, list[Case]] = {
    "conll": [conll],
    "csv": [csv, csv_of_numbers, csv_of_every_kind],
    "digits": [digits],
    "idx": [idx],
    "memory": [memory],
    "memory_table": [memory_table],
    "image_folder": [image_folder, image_masks],
    "npy": [npy],
    "npz": [npz, npz_of_sequences, npz_without_targets],
    "parquet": [parquet],
    "text": [text, text_as_bytes],
    "text_folder": [text_folder],
    "text_lines": [text_lines, text_lines_with_tags],
}
