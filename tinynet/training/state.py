"""The arrays of a state: put together, taken apart, and compared."""

from collections.abc import Mapping

from tinynet.types import Array


def mismatches(own: Mapping[str, Array], given: Mapping[str, Array]) -> list[str]:
    """Every way in which ``given`` does not fit ``own``, a line each."""
    lines = [f"{name} is missing" for name in sorted(own.keys() - given.keys())]
    lines += [f"{name} belongs to nothing" for name in sorted(given.keys() - own.keys())]
    for name in sorted(own.keys() & given.keys()):
        ours, theirs = own[name], given[name]
        # An archive has one byte order, whatever that of the array was.
        dtypes = {array.dtype.newbyteorder("=") for array in (ours, theirs)}
        if ours.shape != theirs.shape or len(dtypes) > 1:
            lines.append(
                f"{name} is {theirs.dtype} {theirs.shape}, and {ours.dtype} {ours.shape} here"
            )
    return lines


def prefixed(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays, each called ``prefix/name``."""
    return {f"{prefix}/{name}": array for name, array in arrays.items()}


def under(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Those called ``prefix/name``, by that name alone."""
    start = f"{prefix}/"
    return {n.removeprefix(start): a for n, a in arrays.items() if n.startswith(start)}
