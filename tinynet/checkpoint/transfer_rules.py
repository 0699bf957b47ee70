"""The differences between a checkpoint and a new network that fine-tuning may allow."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from tinynet.errors import UsageError
from tinynet.text.string_lists import string_list_fault


@dataclass(frozen=True)
class TransferRules:
    """The actions that are allowed besides carrying over tensors unchanged.

    A pattern is compared with addresses, ``dense_2/weight``; ``*`` stands for any characters.

    Attributes:
        map: Nodes or blocks of the checkpoint by name, each with the one that takes over its
            tensors; a repeated one stands for all of its repeats. Also single parameters, or arrays
            of a file of weights, each with the parameter that takes its values, or those of its
            transpose: ``{"embedding_1/weight.T": "dense_1/weight"}``. Such a parameter or array is
            also carried over to the parameter of its own name. A list names several that take the
            same values: ``{"a/weight": ["b/weight", "c/weight"]}``.
        allow_new: Patterns of tensors that may be initialized.
        allow_dropped: Patterns of the checkpoint's tensors that may be left out.
        overlap: Patterns of tensors that may change their shape: the part that both shapes have,
            from index 0 along each axis, is transferred; the rest keeps its initial values.
        keep_preprocessing: Use the checkpoint's fitted transforms, instead of fitting them to the
            new data.
    """

    map: Mapping[str, str | Collection[str]] = field(default_factory=dict)
    allow_new: tuple[str, ...] = ()
    allow_dropped: tuple[str, ...] = ()
    overlap: tuple[str, ...] = ()
    keep_preprocessing: bool = False

    def __post_init__(self) -> None:
        """Raise `UsageError` for patterns that are not lists, and a map that is not a dict."""
        problems = [
            f"TransferRules(): {name}={patterns!r} {fault}"
            for name in ("allow_new", "allow_dropped", "overlap")
            if (fault := string_list_fault(patterns := getattr(self, name), "head/*"))
        ]
        if not isinstance(self.map, Mapping):
            example = "a dict from old to new names, such as {'dense_2': 'head'}"
            problems.insert(0, f"TransferRules(): map={self.map!r} must be {example}")
        else:
            problems += [
                f"TransferRules(): map[{old!r}]={new!r} must be a name or a list of names"
                for old, new in self.map.items()
                if not isinstance(new, str) and string_list_fault(new, "head")
            ]
        if problems:
            raise UsageError("\n  ".join(problems))

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The pairs of ``map``: old and new name."""
        return [
            (old, name)
            for old, new in self.map.items()
            for name in ([new] if isinstance(new, str) else new)
        ]


STRICT = TransferRules()
"""Every tensor must be carried over unchanged."""
