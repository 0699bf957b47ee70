"""Reviews of movies, each positive or negative."""

import tarfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from tinynet.builtin.datasets._texts import TextDataset, class_target
from tinynet.builtin.datasets.standard.mnist import PartConfig
from tinynet.builtin.datasets.text_folder import TextFolder
from tinynet.dataset import Field, InputRows, State
from tinynet.errors import DataError
from tinynet.files.downloads import RemoteFile, fetch

_CLASSES = {"neg": "negative", "pos": "positive"}
"""The class of the reviews in each folder."""


class IMDB(TextDataset):
    """50,000 reviews of movies: input (), text, and their class, negative or positive.

    25,000 are for training, 25,000 for the test; each class has half of them. A. Maas et al.,
    "Learning Word Vectors for Sentiment Analysis", ACL 2011. Download: 84 MB.
    """

    file: ClassVar = RemoteFile(
        "http://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
        "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
        84125825,
    )

    Config = PartConfig

    def __init__(self, config: PartConfig) -> None:
        (path,) = fetch("imdb", [self.file])
        names, texts, labels = [], [], []
        for name, folder, content in _reviews(path, config.part):
            names.append(name)
            texts.append(content.decode())
            labels.append(_CLASSES[folder])

        def where(row: int) -> str:
            return f"{path}, {names[row]}"

        target = class_target(labels, [*_CLASSES.values()], path, where)
        super().__init__(texts, where, target)

    input_endings = (".txt",)
    takes_folders = True

    @classmethod
    def read_rows(
        cls,
        config: PartConfig,
        source: Any,
        fields: Mapping[str, Field],
        state: State,
        keep: Sequence[str],
    ) -> Iterator[InputRows]:
        """Read a text from each file of a folder, from a file, or from a list of texts."""
        as_folder = TextFolder.Config(path="reviews")
        yield from TextFolder.read_rows(as_folder, source, fields, state, keep)


def _reviews(path: str, part: str) -> Iterator[tuple[str, str, bytes]]:
    """Yield name, folder and content of each review of a part, in the order of the archive."""
    try:
        with tarfile.open(path, "r|gz") as archive:
            for member in archive:
                *_, above, folder, name = ("", "", *member.name.split("/"))
                if above != part or folder not in _CLASSES or not name.endswith(".txt"):
                    continue
                if (stream := archive.extractfile(member)) is not None:
                    yield member.name, folder, stream.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataError(f"{path} cannot be unpacked: {error}; delete it") from error
