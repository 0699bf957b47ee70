"""The frameworks whose files of weights can be read."""

from typing import Literal, TypeAlias, get_args

Layout: TypeAlias = Literal["torch", "keras"]
"""The framework whose layout a file of weights has."""

LAYOUTS: tuple[str, ...] = get_args(Layout)
