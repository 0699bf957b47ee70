"""The pass over the evaluated split: its figures, and the predictions of each output."""

from dataclasses import dataclass

from tinynet.commands.report.outputs import Compared, compared_outputs
from tinynet.data.data import Data
from tinynet.data.splits import SplitName
from tinynet.engine.engine import Engine
from tinynet.prediction.model import Model
from tinynet.run.evaluation import EVALUATION_BATCH
from tinynet.training.checks import require_weights_taken
from tinynet.training.evaluation import Figures
from tinynet.training.step_samples import labelled


@dataclass(frozen=True, eq=False)
class EvaluatedSplit:
    """The figures and the predictions of a split.

    Attributes:
        split: The name of the split.
        samples: The number of samples.
        figures: ``loss`` and every metric by its label, as of `tinynet.evaluate`.
        outputs: The outputs that are compared with a target.
    """

    split: SplitName
    samples: int
    figures: dict[str, float]
    outputs: list[Compared]


def evaluate_split(
    model: Model, data: Data, split: SplitName, threads: int | None = None
) -> EvaluatedSplit:
    """Evaluate a split as `tinynet.evaluate` does, and collect the predictions.

    Raises:
        DataError: if the data cannot be read, or nothing in it counts for a loss.
    """
    require_weights_taken(model.spec, model.network, data, evaluation=True)
    data.require_finite(model.network.dtype, split)
    engine = Engine(model.network.program, threads)
    figures = Figures(model.spec.training.metrics, model.network)
    outputs: list[Compared] | None = None
    for batch in data.batches(split, EVALUATION_BATCH):
        samples = labelled(batch, model.target_names)
        result = engine.evaluate(samples.x, samples.y, samples.weights)
        figures.update([result], samples)
        if outputs is None:
            outputs = compared_outputs(model, samples.y, data.size(split))
        for output in outputs:
            values = result.predictions[output.name]
            output.add(values, samples.y[output.name], samples.weights)
    return EvaluatedSplit(split, figures.samples, figures.result(), outputs or [])
