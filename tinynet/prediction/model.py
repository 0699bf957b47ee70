"""A trained network with its preprocessing, loaded from a checkpoint."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.data.learning import split_state
from tinynet.data.preprocessing import Preprocessing
from tinynet.data.ranges import naming_samples, require_finite
from tinynet.dataset import TEXT, Field, State
from tinynet.engine import losses
from tinynet.engine.inputs import own_name
from tinynet.engine.tensor_names import named_weights, require_match
from tinynet.errors import DataError
from tinynet.kernels import Kernels
from tinynet.network.from_spec import network_from_spec
from tinynet.network.losses import targets_of
from tinynet.network.network import Network
from tinynet.network.summary import Summary, summary_of
from tinynet.prediction.computed import Computed
from tinynet.prediction.output_predictions import OutputPredictions, classified_values, named_values
from tinynet.prediction.predictions import Predictions, index_of
from tinynet.prediction.raw_inputs import RawInputs, in_chunks, join_inputs, require_at_most
from tinynet.prediction.shares import ALL, Share
from tinynet.prediction.tokens import (
    WordsLeftOut,
    labels_of_tokens,
    text_of_tokens,
    token_mask,
    words_of_tokens,
)
from tinynet.spec.models import Spec
from tinynet.text.options import option
from tinynet.text.warning import warning_once
from tinynet.text.wording import format_list
from tinynet.types import Array

CHUNK_SIZE = 512
"""Samples that are preprocessed and predicted at a time."""


@dataclass(frozen=True, repr=False, eq=False)
class Model:
    """A trained network with the preprocessing of raw inputs.

    Attributes:
        spec: The spec that it was trained by.
        network: The network, with its losses.
        preprocessing: The fitted transforms.
        learned: The state of the dataset; empty for most.
        inputs: The fields of the raw inputs.
        targets: The fields of the raw targets.
        target_names: The target of each loss, by the loss's name.
        warn: Called with a warning.
    """

    spec: Spec
    network: Network
    preprocessing: Preprocessing
    learned: State
    inputs: dict[str, Field]
    targets: dict[str, Field]
    target_names: dict[str, str]
    warn: Callable[[str], None]

    def __repr__(self) -> str:
        inputs = ", ".join(f"{name} {part.shape}" for name, part in self.inputs.items())
        return f"<Model {self.spec.name!r}: {inputs} -> {', '.join(self.network.outputs)}>"

    def summary(self) -> Summary:
        """Return the layers of the network; ``print(model.summary())`` shows a table."""
        return summary_of(self.network, self.spec.name)

    @property
    def raw_fields(self) -> dict[str, Field]:
        """The field of each raw input and target of the data, by its name."""
        return {**self.inputs, **self.targets}

    @property
    def target_of_output(self) -> dict[str, str]:
        """Name, in the data, of the array that each output alone is compared with."""
        return {
            loss: target if target in self.targets else own_name(target)
            for loss, target in self.target_names.items()
            if loss in self.network.outputs
        }

    @property
    def classes(self) -> dict[str, tuple[str, ...] | None]:
        """The names of the classes of each output by its name; None where it has none."""
        classes: dict[str, tuple[str, ...] | None] = dict.fromkeys(self.network.outputs)
        for output, target in self.target_of_output.items():
            classes[output] = self._possible(output, self.preprocessing.classes(target))
        return classes

    def _possible(self, output: str, classes: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """Return the classes that an output can predict: a last one that is ignored has no unit."""
        ignored = {part.name: part.ignored_label for part in self.network.losses}.get(output)
        units = self.network.out_shapes[output][-1:]
        if classes and ignored == len(classes) - 1 and units < (len(classes),):
            return classes[:-1]
        return classes

    @property
    def input_endings(self) -> tuple[str, ...]:
        """Endings of the files that the dataset of the run reads; empty if it reads none."""
        from tinynet.prediction.inputs import Reader  # It needs the readers of all kinds of files.

        reader = Reader(self.inputs, self.spec.data, self.warn, resize=False).of_dataset
        return () if reader is None else reader.input_endings

    def predict(
        self,
        x: Any,
        *,
        keep: Sequence[str] = (),
        resize: bool = False,
        threads: int | None = None,
        max_samples: int | None = None,
    ) -> Predictions:
        """Predict raw inputs: they are checked and preprocessed as in training.

        The predictions of a sample have the same bits alone and among others.

        Args:
            x: An array (N, *shape) of the only input; a dict of arrays by the inputs' names; the
                path of a file (.npy, .npz, .csv, an image, or what the dataset reads) or of a
                folder of images; or a list of paths. For a model of a table also a DataFrame, a
                dict of columns or a list of records; for one of texts a list of texts; for one of
                image files a list of images.
            keep: Names of columns of the source that the predictions are to have.
            resize: Resize images to the size that the model was trained on.
            threads: The number of threads, by default one for each core. The result is the same
                for any number.
            max_samples: Refuse inputs with more samples.

        Returns:
            The labels and probabilities of classes, and values in the units of the data.

        Raises:
            DataError: for inputs that cannot be read, or do not fit those of the training; for
                predictions that are not finite.
        """
        computed = self.computed(
            x, keep=keep, resize=resize, threads=threads, max_samples=max_samples
        )
        return self.predictions_of(x, computed)

    def predict_chunks(
        self,
        x: Any,
        *,
        keep: Sequence[str] = (),
        resize: bool = False,
        threads: int | None = None,
    ) -> Iterator[Predictions]:
        """Yield the predictions of some samples at a time, so that large files are never held.

        Arguments and errors are those of `predict`; an error may follow after some predictions.
        """
        computed = self.computed(x, keep=keep, resize=resize, threads=threads)
        return self.predictions_of_chunks(x, computed)

    def computed(
        self,
        x: Any,
        *,
        keep: Sequence[str] = (),
        resize: bool = False,
        threads: int | None = None,
        max_samples: int | None = None,
    ) -> Iterator[Computed]:
        """Yield the outputs of some samples at a time; the arguments are those of `predict`."""
        samples = 0
        for raw in self.raw_chunks(x, keep, resize):
            samples += len(raw)
            require_at_most(max_samples, samples)
            yield self.compute(raw, threads)

    def raw_chunks(
        self, x: Any, keep: Sequence[str], resize: bool, share: Share = ALL
    ) -> Iterator[RawInputs]:
        """Yield the raw inputs, `CHUNK_SIZE` samples at a time; those of the share, at least."""
        # Columns of a DataFrame may be numbered; a table names them by text.
        keep = [str(name) for name in ([keep] if isinstance(keep, str | int) else keep)]
        if "token" in keep and any(map(self._text_of_words, self.target_of_output.values())):
            keep.remove("token")  # predictions of words have them
        warn = warning_once(self.warn)
        from tinynet.prediction.inputs import Reader  # It needs the readers of all kinds of files.

        reader = Reader(self.inputs, self.spec.data, warn, resize, self.learned, keep, share=share)
        return in_chunks(reader.parts(x), CHUNK_SIZE)

    def compute(self, raw: RawInputs, threads: int | None = None) -> Computed:
        """Compute the outputs of some samples; see `outputs`."""
        values = self.outputs(raw, threads)
        texts = {n: a for n, a in raw.arrays.items() if self.inputs[n].dtype == TEXT}
        return Computed(replace(raw, arrays=texts), values)

    def predictions_of(self, x: Any, computed: Iterable[Computed]) -> Predictions:
        """Return the predictions of all samples of an input; see `predict`."""
        sources, parts = zip(*computed, strict=True)
        left_out = WordsLeftOut()
        values = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        predictions = self._predictions(join_inputs(sources), values, left_out)
        if left_out.message:
            self.warn(left_out.message)
        return replace(predictions, index=index_of(x))

    def predictions_of_chunks(self, x: Any, computed: Iterable[Computed]) -> Iterator[Predictions]:
        """Yield the predictions of some samples of an input at a time; see `predict_chunks`."""
        left_out = WordsLeftOut()
        for raw, values in computed:
            yield replace(self._predictions(raw, values, left_out), index=index_of(x))
        if left_out.message:
            self.warn(left_out.message)

    def _text_of_words(self, target: str) -> bool:
        """Return True if the labels of a target are those of the words of a text."""
        texts = {name: np.empty(0) for name, field in self.inputs.items() if field.dtype == TEXT}
        name = text_of_tokens(self.preprocessing, target, texts)
        return bool(name) and self.inputs[name].text_unit == "whitespace"

    def _predictions(
        self, raw: RawInputs, values: Mapping[str, Array], left_out: WordsLeftOut
    ) -> Predictions:
        if problems := list(_not_finite(values, raw)):
            raise DataError("\n  ".join(problems))
        outputs = {name: self.explained(name, array) for name, array in values.items()}
        texts = raw.arrays
        for output, target in self.target_of_output.items():
            if name := text_of_tokens(self.preprocessing, target, texts):
                mask = token_mask(self.preprocessing, name, texts[name])
                words = None
                if self.inputs[name].text_unit == "whitespace":
                    left_out.add(texts[name], mask)
                    words = words_of_tokens(self.preprocessing, name, texts[name], mask)
                outputs[output] = labels_of_tokens(outputs[output], mask, words)
        return Predictions(len(raw), outputs, raw.files, raw.rows, raw.kept, raw.identity)

    def generate(
        self,
        prompt: str,
        length: int = 200,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
        number: int = 0,
        threads: int | None = None,
    ) -> str:
        """Continue a text with a network that was trained on text.

        The same arguments give the same text, on any number of threads. A text as the prompt of
        another call with the same seed continues as it would have in one call, unless a draw
        depends on rounding errors: a prompt is computed at once.

        Args:
            prompt: The start of the text.
            length: The number of values to add: characters, or bytes.
            temperature: Below 1 the probable values become more probable, above 1 less; 0 takes
                the most probable value.
            top_k: Draw only from the `top_k` most probable values.
            top_p: Draw only from the most probable values that together have this probability.
            seed: The seed of the draws.
            number: The number of the text; texts of one seed with other numbers are independent.
            threads: The number of threads, by default one for each core.

        Returns:
            The prompt and its continuation. Bytes that are no UTF-8, such as the start of a
            character at the end, are U+FFFD.

        Raises:
            UsageError: if the network does not predict the next value of a text, and for values
                that cannot be used, such as an empty prompt.
            DataError: for a prompt with characters that the network's vocabulary lacks.
        """
        from tinynet.prediction.generation import TextGenerator
        from tinynet.prediction.sampling import Sampling

        sampling = Sampling(
            temperature=temperature, top_k=top_k, top_p=top_p, seed=seed, number=number
        )
        generator = TextGenerator(self, threads)
        continuation = generator.generate(prompt, length, sampling)
        return generator.start(prompt) + continuation

    def outputs(self, raw: RawInputs, threads: int | None = None) -> dict[str, Array]:
        """Compute the outputs, (N, *out_shape) each by its name, in the units of the data.

        Raises:
            DataError: for a value that is not finite once it is preprocessed.
        """
        with naming_samples(raw.place):
            ready = self.preprocessing.apply(raw.arrays)
        require_finite(self.preprocessing, ready, self.network.dtype, raw.place, fitted=True)
        return self.values_of(ready, threads)

    def values_of(self, ready: Mapping[str, Array], threads: int | None = None) -> dict[str, Array]:
        """Compute the outputs from preprocessed inputs; see `outputs`."""
        values = self.network.predict_outputs(ready, threads=threads, in_blocks=True)
        for output, target in self.target_of_output.items():
            # An output of a target with classes holds scores of them, not values.
            if self.preprocessing.fields[target].classes is None:
                values[output] = self.preprocessing.invert(target, values[output])
        return values

    # Labels -----------------------------------------------------------------------------------

    def without_labels(self) -> list[str]:
        """Describe each output whose target has classes, but whose predictions have no labels."""
        problems = []
        for output, classes in self.classes.items():
            if classes is None:
                continue
            example = self._example(output)
            if self.explained(output, example).labels is not None:
                continue
            count, shape = example[0].size, example.shape[1:]
            size = "1 value" if count == 1 else f"{'x'.join(map(str, shape))} values"
            why = "but its loss does not predict probabilities"
            if len(classes) != 2 or count != 1:
                why = f"but there are {len(classes)} classes ({format_list(classes)})"
            problems.append(
                f"the output {output!r} has {size} for each sample, {why}; predictions have no"
                " labels"
            )
        return problems

    def explained(self, output: str, values: Array) -> OutputPredictions:
        """Turn values of an output into labels and probabilities, if it distinguishes classes."""
        classes = self.classes[output]
        if classes is None:
            return self._named(output, values)
        target = self.raw_fields[self.target_of_output[output]].shape
        probable = self.predicts_probabilities(output)
        return classified_values(values, classes, target, probable=probable)

    def _named(self, output: str, values: Array) -> OutputPredictions:
        """Return predictions of a target without classes, by the names of its values."""
        target = self.raw_fields.get(self.target_of_output.get(output, ""))
        names = None if target is None else target.names
        if names is None:
            return OutputPredictions(values)
        probable = self.predicts_probabilities(output)
        if probable and len(names) > 1:  # those of a softmax depend on each other
            probable = not np.allclose(self._example(output).sum(axis=-1), 1)
        return named_values(values, names, probable=probable)

    def predicts_probabilities(self, output: str) -> bool:
        """Return True if the output's loss turns any numbers into numbers from 0 to 1."""
        example = self._example(output)
        return bool((example >= 0).all() and (example <= 1).all())

    def _example(self, output: str) -> Array:
        """Predictions of the output's loss for random numbers, (16, ...)."""
        part = next(part for part in self.network.losses if part.name == output)
        shape = (16, *self.network.out_shapes[output])
        numbers = np.random.default_rng(0).normal(0, 10, shape).astype(self.network.dtype)
        return losses.predict(part, numbers)


def _not_finite(values: Mapping[str, Array], raw: RawInputs) -> list[str]:
    """Describe each output that is NaN or infinite for a sample."""
    problems = []
    for name, array in values.items():
        finite = np.all(np.isfinite(array).reshape(len(array), -1), axis=1)
        if not finite.all():
            problems.append(
                f"{raw.place(int(np.argmin(finite)))}: the output {name!r} is NaN or infinite"
                f" ({np.sum(~finite):,} of {len(finite):,} samples); the inputs are too large, or"
                " the parameters are damaged; to check them, add"
                f" {option('--strict-finite', 'strict_finite=True')}"
            )
    return problems


def open_model(
    checkpoint: Checkpoint, max_params: int, kernels: Kernels, warn: Callable[[str], None]
) -> Model:
    """Rebuild the model of a checkpoint; ``warn`` is called with each warning of predictions.

    Raises:
        PluginError: if a type that it needs is not installed.
        CheckpointMismatchError: listing every array that does not fit.
    """
    spec = checkpoint.load_spec()
    facts = checkpoint.data
    preprocessing = Preprocessing(spec.data.transforms if spec.data else (), facts.raw)
    learned, transforms = split_state(checkpoint.transforms)
    preprocessing.load_state(transforms)
    shapes = {name: preprocessing.fields[name].shape for name in facts.inputs}
    network = network_from_spec(spec, shapes, max_params=max_params, kernels=kernels)
    own = named_weights(network.params, network.buffers)
    weights = checkpoint.weights
    require_match(own, weights)
    for name, array in own.items():
        np.copyto(array, weights[name])
    network.refresh()
    names = targets_of(network.losses, facts.targets, facts.inputs)
    return Model(spec, network, preprocessing, learned, facts.inputs, facts.targets, names, warn)
