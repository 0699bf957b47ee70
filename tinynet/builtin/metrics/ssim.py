"""The structural similarity of images."""

import numpy as np

from tinynet.builtin.losses import ssim
from tinynet.builtin.metrics._sums import Sums
from tinynet.layer.context import Context
from tinynet.metric import MetricConfig, State
from tinynet.types import Array, Shape


class SSIM(Sums):
    """Structural similarity of images, the mean over windows and channels.

    The mean is taken over all windows and channels of each image. Predictions (N, H, W, C), targets
    (N, H, W, C), or (N, H, W) for C = 1. It is 1 minus the loss `ssim`, with that loss's formula
    and options. The state is a sum over the images and their count, so that the figure does not
    depend on the batches.

    Source: Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity",
    2004.
    """

    family = "images"
    greater_is_better = True
    examples = (
        {
            "options": {"filter_size": 2},
            "predictions": [[[[0.2], [0.6], [0.1]], [[0.8], [0.4], [0.6]]]] * 2,
            "targets": [[[[0.1], [0.7], [0.2]], [[0.9], [0.4], [0.5]]]] * 2,
        },
    )

    class Config(MetricConfig, ssim.SSIM.Config):
        """Parameters of `ssim`."""

    def __init__(self, config: Config) -> None:
        self.loss = ssim.SSIM(config)

    def start(self, out_shape: Shape) -> State:
        self.loss.require_images(out_shape)
        return {"loss": np.zeros((), np.float64), "count": np.zeros((), np.int64)}

    def update(self, state: State, predictions: Array, targets: Array) -> None:
        loss, _ = self.loss.forward(Context(training=False, keep=False), predictions, targets)
        state["loss"] += loss
        state["count"] += len(targets)

    def result(self, state: State) -> float:
        count = int(state["count"])
        return 1 - float(state["loss"]) / count if count else 0.0
