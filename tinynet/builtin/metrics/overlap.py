"""Overlap of predicted and true regions, such as those of a segmentation."""

from tinynet.builtin.metrics._class_counts import ClassRatio
from tinynet.builtin.metrics.confusion import F1
from tinynet.types import Array


class MeanIoU(ClassRatio):
    """Intersection over union of predicted and true positions: the mean over the classes.

    Predictions and targets as for `accuracy`. The counts are those of the whole split, not of each
    image; they are three integers for each class. A class that occurs neither in predictions nor
    in targets is left out of the mean. Also known as the Jaccard index.
    """

    family = "images"

    def possible(self, hits: Array, predicted: Array, true: Array) -> Array:
        return predicted + true - hits


class Dice(F1):
    """Dice coefficient: 2 hits / (predicted + true), the same as `f1`.

    Predictions and targets as for `accuracy`. The counts are those of the whole split, not of each
    image; they are three integers for each class. A class that occurs neither in predictions nor
    in targets is left out of the mean.
    """

    family = "images"
