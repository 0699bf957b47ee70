"""Script that writes the golden files of format version 1: python make.py FOLDER."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tinynet import archive
from tinynet.archive.header import DTYPES


def contents() -> dict[str, dict[str, Any]]:
    """The content of each golden file."""
    values = np.arange(-3, 9)
    return {
        "empty": {"run_id": "r", "step": 0, "sections": {}, "tensors": {}},
        "everything": {
            "run_id": "digits_cnn-001",
            "step": 2**63 - 1,
            "sections": {
                "text": 'é ü 中 😀 " \\ / \b \f \n \r \t \x00 \x1f \x7f',
                "numbers": [
                    0,
                    -1,
                    2**70,
                    0.1,
                    -0.0,
                    1.0,
                    1e-5,
                    1e16,
                    5e-324,
                    1.7976931348623157e308,
                ],
                "others": [None, True, False, [], {}, {"b": {"a": []}, "a": ""}],
            },
            "tensors": {
                **{f"dtypes/{name}": values.astype(dtype) for name, dtype in DTYPES.items()},
                "shapes/none": np.array(1.5, np.float32),
                "shapes/empty": np.empty((2, 0, 3), np.int8),
                "shapes/eight": np.arange(6, dtype=np.int16).reshape(1, 2, 1, 3, 1, 1, 1, 1),
                "values/special": np.array([np.inf, -np.inf, -0.0, 1e-45], np.float32),
                "values/nan_bits": np.array([0x7FC00001, 0xFFFFFFFF], np.uint32).view(np.float32),
                "a.b-c_D/0": np.frombuffer(bytes(range(200)), np.uint8),
            },
        },
    }


def described(tensors: dict[str, Any]) -> dict[str, Any]:
    """Tensors as JSON: dtype, shape, and the bytes in hexadecimal."""
    return {
        name: [array.dtype.name, list(array.shape), array.tobytes().hex()]
        for name, array in tensors.items()
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for name, content in contents().items():
        archive.write(folder / f"v1-{name}.msgpack", **content)
        expected = content | {"tensors": described(content["tensors"])}
        (folder / f"v1-{name}.json").write_text(json.dumps(expected, indent=1) + "\n")
