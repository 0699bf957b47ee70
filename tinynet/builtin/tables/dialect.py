"""The options of text tables, which `csv` and prediction share."""

import codecs
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from tinynet.dataset import DatasetConfig
from tinynet.files.csv_dialect import Dialect
from tinynet.files.number_cells import NumberFormat
from tinynet.text.mistakes import AlsoCalled

TAB_ENDINGS = (".tsv", ".tsv.gz", ".tab", ".tab.gz")
"""Endings of files whose cells are separated by tabs, unless the spec says more."""


class DialectConfig(DatasetConfig):
    """The form of a text table."""

    header: bool = Field(default=True, description="True if the first row names the columns.")
    delimiter: Annotated[str, AlsoCalled(("sep", "separator"))] = Field(
        default=",",
        pattern=r'^[^"\r\n\x00]$',
        description='The one character between two cells; by default a tab ("\\t") in .tsv files.',
    )
    skip_rows: Annotated[int, AlsoCalled(("skiprows", "skip_lines"))] = Field(
        default=0, ge=0, description="Lines before the header, or before the first row."
    )
    comment_prefix: Annotated[str | None, AlsoCalled(("comment_character",))] = Field(
        default=None, min_length=1, description='Skip the lines that begin with it, such as "#".'
    )
    decimal: str = Field(
        default=".", pattern=r"^[.,]$", description='The character before decimals: "." or ",".'
    )
    thousands: str | None = Field(
        default=None,
        pattern=r"^[., '_]$",
        description='The character between groups of three digits: ",", ".", " ", "\'" or "_".',
    )
    encoding: str = Field(
        default="utf-8",
        description='The encoding: "utf-8", "latin-1", "cp1252", "utf-16", or another.',
    )

    @model_validator(mode="after")
    def _tabs_in_tsv(self) -> Self:
        """Set the delimiter of a .tsv file, so that a resolved spec states it."""
        path = str(getattr(self, "path", ""))
        if "delimiter" not in self.model_fields_set and path.lower().endswith(TAB_ENDINGS):
            # A validator of the raw options would make pydantic refuse lists for tuples.
            object.__setattr__(self, "delimiter", "\t")
        return self

    @model_validator(mode="after")
    def _separators_differ(self) -> Self:
        if self.thousands == self.decimal:
            raise PydanticCustomError(
                "separators", "decimal and thousands must be different characters"
            )
        return self

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, name: str) -> str:
        try:
            known = getattr(codecs.lookup(name), "_is_text_encoding", True)
            "".encode(name)
        except (LookupError, ValueError):
            known = False
        if not known:
            raise PydanticCustomError(
                "encoding", 'is not an encoding; usual ones are "utf-8", "latin-1" and "cp1252"'
            )
        return name

    @property
    def dialect(self) -> Dialect:
        """The form of the rows."""
        return Dialect(self.delimiter, self.skip_rows, self.comment_prefix, self.encoding)

    @property
    def numbers(self) -> NumberFormat:
        """The form of the numbers."""
        return NumberFormat(self.decimal, self.thousands)
