"""The handwritten digits that come with tinynet."""

from pathlib import Path

from tinynet.builtin.datasets._arrays import ArrayDataset, Source
from tinynet.dataset import DatasetConfig
from tinynet.files.npy import read_npz

_FILE = str(Path(__file__).with_name("digits.npz"))


class Digits(ArrayDataset):
    """1,797 handwritten digits: images (8, 8, 1), uint8 from 0 to 16, and their class, 0 to 9.

    Each pixel counts the ink in a block of 4x4 pixels of the scanned form. This is the test part of
    E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
    Repository, 1998, https://doi.org/10.24432/C50P49, under the Creative Commons Attribution 4.0
    license. ``digits.npz`` was made from scikit-learn's copy of it::

        digits = sklearn.datasets.load_digits()
        images = digits.images.astype(np.uint8)[..., None]
        np.savez_compressed("digits.npz", images=images, labels=digits.target.astype(np.uint8))
    """

    Config = DatasetConfig
    pixel_range = (0, 16)

    def __init__(self, config: DatasetConfig) -> None:
        arrays = read_npz(_FILE, ("images", "labels"))
        classes = tuple("0123456789")
        super().__init__(
            {"input": Source(arrays["images"], "digits, images")},
            {"target": Source(arrays["labels"], "digits, labels", classes)},
        )
