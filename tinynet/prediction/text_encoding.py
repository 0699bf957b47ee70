"""Text as indices of a network's input and output, by the preprocessing of its run."""

from codecs import IncrementalDecoder, getincrementaldecoder
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinynet.dataset import Field
from tinynet.engine.inputs import own_name
from tinynet.errors import DataError, UsageError
from tinynet.text.wording import format_list
from tinynet.transform import Invertible
from tinynet.types import Array

if TYPE_CHECKING:
    from tinynet.prediction.model import Model

_VOCABULARY = 'add {"type": "vocabulary", "on": ["input", "target"]} to "transforms", and train'


@dataclass(frozen=True)
class TextEncoding:
    """The indices of a text's values: of characters, or of bytes.

    Attributes:
        input: Name of the network's input, in the data.
        output: Name of the network's output of one score for each index.
        field: The field of the text before preprocessing.
        values: The value of each index, (V,).
        apply: Return the indices of windows of values, (N, T).
    """

    input: str
    output: str
    field: Field
    values: Array
    apply: Callable[[Array], Array]

    @property
    def steps(self) -> int:
        """Positions in a window of the network."""
        return self.field.shape[0]

    @property
    def possible(self) -> Array:
        """True for each index that stands for a value of a text, (V,)."""
        limit = 256 if self.field.text_unit == "byte" else 0x110000
        surrogate = (self.values >= 0xD800) & (self.values < 0xE000)
        possible: Array = (self.values >= 0) & (self.values < limit) & ~surrogate
        return possible

    def encode(self, text: str) -> list[int]:
        """Return the indices of a text.

        Raises:
            DataError: listing the characters that have no index of their own.
        """
        values = self._values_of(text)
        indices = in_windows(self.apply, values, self.steps)
        if unknown := np.flatnonzero(self.values[indices] != values).tolist():
            missing = dict.fromkeys(values[unknown].tolist())
            noun = self.field.text_unit if len(missing) == 1 else f"{self.field.text_unit}s"
            listed = format_list([self._shown(value) for value in missing])
            raise DataError(
                f"the prompt has the {noun} {listed}, which the network's vocabulary lacks; leave"
                f" {'it' if len(missing) == 1 else 'them'} out"
            )
        result: list[int] = indices.tolist()
        return result

    def _values_of(self, text: str) -> Array:
        if self.field.text_unit == "byte":
            raw = np.frombuffer(_utf8(text), np.uint8)
        else:
            raw = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
        return raw.astype(np.int64)

    def _shown(self, value: int) -> str:
        if self.field.text_unit == "byte":
            return f"0x{value:02x}"
        return f"{chr(value)!r} (U+{value:04X})"

    def decoder(self, prompt: str) -> tuple[IncrementalDecoder, str]:
        """Return a decoder of the UTF-8 after a prompt, and the prompt as far as it is decoded.

        Bytes at the end of the prompt that are the start of a character are left to the decoder.
        Other bytes that are no UTF-8, which are surrogates in the prompt, are replaced by U+FFFD.
        """
        decoder = getincrementaldecoder("utf-8")("replace")
        if self.field.text_unit == "byte":
            prompt = decoder.decode(_utf8(prompt))
        return decoder, prompt

    def as_bytes(self, index: int) -> bytes:
        """Return the value of an index in UTF-8."""
        value = int(self.values[index])
        return bytes([value]) if self.field.text_unit == "byte" else chr(value).encode()


def _utf8(text: str) -> bytes:
    """Return a text in UTF-8, with the bytes that its surrogates stand for.

    Raises:
        DataError: for a surrogate that stands for no byte.
    """
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError as error:
        wrong = ord(text[error.start])
        raise DataError(
            f"the prompt has U+{wrong:04X}, which is half of a character; leave it out"
        ) from None


def text_encoding(model: "Model") -> TextEncoding:
    """Return the encoding of the text that a network reads and predicts.

    Raises:
        UsageError: if the network does not predict the next value at each position of a text.
    """
    name, field = _text_input(model)
    output, target = _text_output(model, field)
    network, preprocessing = model.network, model.preprocessing
    classes = preprocessing.fields[name].classes
    if classes is None or classes != preprocessing.fields[target].classes:
        raise UsageError(
            f"text cannot be generated, because {name!r} and {target!r} do not have the same"
            f" vocabulary; {_VOCABULARY}"
        )
    fixed = [
        stage.transform
        for stage in preprocessing.stages
        if stage.on in (name, target) and not isinstance(stage.transform, Invertible)
    ]
    if fixed:
        transform = type(fixed[0]).__name__
        raise UsageError(
            f"text cannot be generated, because the transform {transform} has no inverse"
        )
    shapes = preprocessing.fields[name].shape, network.out_shapes[output]
    if shapes != (field.shape, (*field.shape, len(classes))):
        raise UsageError(
            f"text cannot be generated: a window of shape {shapes[0]} has {len(classes)} classes at"
            f" each position, but the output {output!r} has the shape {shapes[1]}"
        )
    if not model.predicts_probabilities(output):
        raise UsageError(
            f"text cannot be generated, because the loss of {output!r} does not predict"
            " probabilities; train with softmax_cross_entropy"
        )
    indices, steps = np.arange(len(classes)), field.shape[0]
    values = in_windows(lambda part: preprocessing.invert(target, part), indices, steps)

    def apply(windows: Array) -> Array:
        return preprocessing.apply({name: windows.astype(field.dtype)})[name]

    return TextEncoding(name, output, field, values.astype(np.int64), apply)


def _text_input(model: "Model") -> tuple[str, Field]:
    """Return name and raw field of the only input of a network."""
    names = [own_name(name) for name in model.network.input_shapes]
    fields = [model.inputs.get(name) for name in names]
    only = fields[0]
    if len(names) > 1 or only is None or only.text_unit is None or len(only.shape) != 1:
        listed = format_list([repr(name) for name in names])
        raise UsageError(
            "text is generated by a network with one input that is a text, such as windows of the"
            f" dataset 'text'; the inputs of this one: {listed}"
        )
    return names[0], only


def _text_output(model: "Model", field: Field) -> tuple[str, str]:
    """Return the name of the output that predicts a text, and the name of its target."""
    alike = [
        (output, target)
        for output, target in model.target_of_output.items()
        if _is_like(model.raw_fields[target], field)
    ]
    # An input as the target is reconstructed, position by position.
    found = [(output, target) for output, target in alike if target in model.targets]
    if alike and not found:
        output, target = alike[0]
        raise UsageError(
            f"text cannot be generated, because the loss of {output!r} compares each position with"
            f" the same position of the input {target!r}, not with the next one; remove"
            ' "target" from the loss, and train'
        )
    if len(found) != 1:
        raise UsageError(
            "text is generated by a network with one output whose target is a text in windows of"
            f" the shape {field.shape}; this one has {len(found) or 'none'}"
        )
    return found[0]


def _is_like(target: Field, field: Field) -> bool:
    return (target.text_unit, target.shape) == (field.text_unit, field.shape)


def in_windows(function: Callable[[Array], Any], values: Array, steps: int) -> Array:
    """Return the result of a function of windows, (N, T), for values of any number, (P,)."""
    rows = -(-len(values) // steps)
    padded = np.resize(values, rows * steps)
    result: Array = np.asarray(function(padded.reshape(rows, steps)))
    return result.reshape(-1)[: len(values)]
