"""Options of the datasets of text."""

import codecs
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from tinynet.dataset import DatasetConfig
from tinynet.text.mistakes import AlsoCalled

_ESCAPES = {"unicode-escape", "raw-unicode-escape", "idna", "punycode"}
"""Notations of text in ASCII, which no file has as a whole."""


def _known_encoding(name: str) -> str:
    try:
        canonical = codecs.lookup(name).name
        "".encode(name)
        if canonical in _ESCAPES:
            raise LookupError(f"{name} is not a character set")
    except (LookupError, ValueError) as error:
        raise PydanticCustomError(
            "encoding",
            "{name} is not an encoding of text; set one such as 'utf-8', 'cp1252', 'latin-1',"
            " 'utf-16' or 'gb18030'",
            {"name": repr(name)},
        ) from error
    return canonical if canonical == "utf-8" else name


Empty: TypeAlias = Literal["error", "skip", "keep"]


class EncodedConfig(DatasetConfig):
    """Parameters of a dataset that reads text files."""

    encoding: Annotated[str, AfterValidator(_known_encoding), AlsoCalled(("charset", "codec"))] = (
        Field(
            default="utf-8",
            description="The encoding of the text, by Python's name, such as 'cp1252' or 'utf-16'.",
        )
    )


class TextConfig(EncodedConfig):
    """Parameters of a dataset of a text for each file or line."""

    empty: Annotated[Empty, AlsoCalled(("blank", "skip_empty", "skip_blank_lines"))] = Field(
        default="error",
        description="The treatment of a text that is empty or white space. 'error': it is refused."
        " 'skip': it is left out. 'keep': it is a sample without any token.",
    )
