"""The inputs of attention: a query, perhaps keys and values, and perhaps a mask."""

from dataclasses import dataclass

from tinynet.layer import Shape, ShapeError


@dataclass(frozen=True)
class AttentionInputs:
    """The inputs of an attention layer, by their number.

    Attributes:
        query: Shape of the query, (T, C).
        source: Shape of the sequence that keys and values are computed from, (S, D).
        source_input: Its number: 0 for self-attention.
        mask: Shape of the mask, (S,) or (T, S), which is the last input; None without one.
    """

    query: Shape
    source: Shape
    source_input: int
    mask: Shape | None

    @classmethod
    def of(cls, layer: str, in_shapes: tuple[Shape, ...]) -> "AttentionInputs":
        """Return the inputs of these shapes.

        Raises:
            ShapeError: unless they are a query (T, C), then perhaps keys and values (S, D), and
                then perhaps a mask (S,), or (T, S) after keys and values.
        """
        query, *others = in_shapes
        source_input = 1 if others and len(others[0]) == 2 else 0
        source = in_shapes[source_input]
        masks = others[source_input:]
        if len(query) == 2 and not masks:
            return cls(query, source, source_input, None)
        if len(query) == 2 and len(masks) == 1:
            (mask,) = masks
            allowed = [source[:1]] + [(query[0], source[0])] * source_input
            if mask in allowed:
                return cls(query, source, source_input, mask)
        raise ShapeError(
            f"{layer} needs a query (T, C), then for cross-attention keys and values (S, D), then"
            " for masked positions a mask of the keys (S,), or (T, S) after keys and values; it got"
            f" {', '.join(map(str, in_shapes))}"
        )
