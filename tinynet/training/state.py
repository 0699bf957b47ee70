"""The arrays of a state, by names with a prefix."""

from collections.abc import Mapping

from tinynet.types import Array


def mismatches(own: Mapping[str, Array], loaded: Mapping[str, Array]) -> list[str]:
    """Return a line for each loaded array that does not fit, and for each missing one."""
    lines = [f"{name} is missing" for name in sorted(own.keys() - loaded.keys())]
    lines += [f"{name} belongs to nothing" for name in sorted(loaded.keys() - own.keys())]
    for name in sorted(own.keys() & loaded.keys()):
        ours, theirs = own[name], loaded[name]
        # An archive has one byte order, whatever that of the array was.
        dtypes = {array.dtype.newbyteorder("=") for array in (ours, theirs)}
        if ours.shape != theirs.shape or len(dtypes) > 1:
            lines.append(
                f"{name} is {theirs.dtype} {theirs.shape}, and {ours.dtype} {ours.shape} here"
            )
    return lines


def prefixed(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays with the names ``prefix/name``."""
    return {f"{prefix}/{name}": array for name, array in arrays.items()}


def under(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays named ``prefix/name``, without the prefix."""
    start = f"{prefix}/"
    return {n.removeprefix(start): a for n, a in arrays.items() if n.startswith(start)}
