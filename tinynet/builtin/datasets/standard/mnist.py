"""MNIST, and datasets with the same files."""

from typing import ClassVar, Literal

from pydantic import Field

from tinynet.builtin.datasets._arrays import ArrayDataset, Source
from tinynet.builtin.datasets.idx import read_idx
from tinynet.dataset import DatasetConfig
from tinynet.files.downloads import RemoteFile, fetch


class PartConfig(DatasetConfig):
    """The published part of a dataset."""

    part: Literal["train", "test"] = Field(
        default="train", description="The published part: for training, or for the test."
    )


class _IDXFiles(ArrayDataset):
    """Images (28, 28, 1), uint8, and their classes, in four IDX files."""

    name: ClassVar[str]
    files: ClassVar[dict[str, tuple[RemoteFile, RemoteFile]]]  # images and labels of each part
    classes: ClassVar[tuple[str, ...]] = tuple("0123456789")
    pixel_range = (0, 255)

    Config = PartConfig

    def __init__(self, config: PartConfig) -> None:
        images, labels = fetch(self.name, self.files[config.part])
        super().__init__(
            {"input": Source(read_idx(images)[..., None], images)},
            {"target": Source(read_idx(labels), labels, self.classes)},
        )


def _files(base: str, *described: tuple[str, str, int]) -> dict[str, tuple[RemoteFile, RemoteFile]]:
    """Return the files of both parts, from name, SHA-256 and size of each."""
    files = [RemoteFile(f"{base}{name}", sha256, size) for name, sha256, size in described]
    return {"train": (files[0], files[1]), "test": (files[2], files[3])}


class MNIST(_IDXFiles):
    """70,000 handwritten digits: images (28, 28, 1), uint8 from 0 to 255, and classes 0 to 9.

    60,000 are for training, 10,000 for the test. Y. LeCun, C. Cortes and C. J. C. Burges, "The
    MNIST database of handwritten digits", 1998. License: CC BY-SA 3.0. Download: 11 MB.
    """

    name = "mnist"
    files = _files(
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        (
            "train-images-idx3-ubyte.gz",
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            9912422,
        ),
        (
            "train-labels-idx1-ubyte.gz",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            28881,
        ),
        (
            "t10k-images-idx3-ubyte.gz",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            1648877,
        ),
        (
            "t10k-labels-idx1-ubyte.gz",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            4542,
        ),
    )


class FashionMNIST(_IDXFiles):
    """70,000 pictures of clothes in 10 classes: (28, 28, 1), uint8 from 0 to 255.

    60,000 are for training, 10,000 for the test. H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST:
    a Novel Image Dataset for Benchmarking Machine Learning Algorithms", 2017. License: MIT.
    Download: 30 MB.
    """

    name = "fashion_mnist"
    classes = (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    )
    files = _files(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        (
            "train-images-idx3-ubyte.gz",
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            26421880,
        ),
        (
            "train-labels-idx1-ubyte.gz",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            29515,
        ),
        (
            "t10k-images-idx3-ubyte.gz",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            4422102,
        ),
        (
            "t10k-labels-idx1-ubyte.gz",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            5148,
        ),
    )


class KMNIST(_IDXFiles):
    """70,000 cursive Japanese characters in 10 classes: (28, 28, 1), uint8 from 0 to 255.

    60,000 are for training, 10,000 for the test. T. Clanuwat et al., "Deep Learning for Classical
    Japanese Literature", 2018. License: CC BY-SA 4.0. Download: 21 MB.
    """

    name = "kmnist"
    classes = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
    files = _files(
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        (
            "train-images-idx3-ubyte.gz",
            "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            18165135,
        ),
        (
            "train-labels-idx1-ubyte.gz",
            "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            29497,
        ),
        (
            "t10k-images-idx3-ubyte.gz",
            "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            3041136,
        ),
        (
            "t10k-labels-idx1-ubyte.gz",
            "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
            5120,
        ),
    )
