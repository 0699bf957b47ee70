"""The structural similarity of images."""

from typing import Any

import numpy as np
from pydantic import Field

from tinynet.builtin.losses._positions import expand, require_sample_weights
from tinynet.errors import ShapeError
from tinynet.loss import Context, LossConfig
from tinynet.targets import Bad, first_bad
from tinynet.types import Array, Shape


class SSIM:
    """Structural dissimilarity of images: 1 - SSIM, the mean over windows and channels.

    SSIM = (2 m_x m_y + c_1) (2 s_xy + c_2) / ((m_x^2 + m_y^2 + c_1) (s_x^2 + s_y^2 + c_2)) with the
    means m, variances s^2 and covariance s_xy in a Gaussian window that lies inside the image;
    c_i = (k_i max_val)^2.  Outputs (N, H, W, C), targets (N, H, W, C), or (N, H, W) for C = 1.

    Source: Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity",
    2004.
    """

    family = "images"
    per_sample = True
    examples = (
        {
            "options": {"filter_size": 2},
            "out_shape": [2, 3, 1],
            "targets": [[[0.1, 0.7, 0.2], [0.9, 0.4, 0.5]], [[0.3, 0.3, 0.8], [0.0, 1.0, 0.6]]],
        },
    )

    class Config(LossConfig):
        """Parameters of `ssim`."""

        max_val: float = Field(
            default=1.0, gt=0, description="Difference of the largest and the least pixel value."
        )
        filter_size: int = Field(
            default=11, ge=1, le=2**20, description="Height and width of the window."
        )
        filter_sigma: float = Field(
            default=1.5, gt=0, description="Standard deviation of the window, in pixels."
        )
        k1: float = Field(default=0.01, gt=0, description="Stabilizes the ratio of the means.")
        k2: float = Field(default=0.03, gt=0, description="Stabilizes the ratio of the variances.")

    def __init__(self, config: Config) -> None:
        offsets = np.arange(config.filter_size) - (config.filter_size - 1) / 2
        sigma = config.filter_sigma
        with np.errstate(over="ignore"):
            window = np.exp(-np.square(offsets / sigma) / 2)
            if window.sum() < np.finfo(np.float64).tiny:
                # All weights underflow: compute them relative to those next to the center.
                squares = np.square(offsets)
                window = np.exp(-(squares - squares.min()) / sigma / sigma / 2)
        self.window = window / window.sum()
        self.c1 = (config.k1 * config.max_val) ** 2
        self.c2 = (config.k2 * config.max_val) ** 2

    def forward(
        self, ctx: Context, outputs: Array, targets: Array, weights: Array | None = None
    ) -> tuple[float, Any]:
        self.check_shapes(outputs.shape[1:], targets.shape[1:])
        require_sample_weights("ssim", weights)
        # Variances are small differences of large numbers, so they are computed in float64.
        x = outputs.astype(np.float64)
        y = targets.reshape(outputs.shape).astype(np.float64)
        mean_x, mean_y = self._smooth(x), self._smooth(y)
        covariance = self._smooth(x * y) - mean_x * mean_y
        variances = self._smooth(x * x + y * y) - mean_x**2 - mean_y**2
        luminance, squares = 2 * mean_x * mean_y + self.c1, mean_x**2 + mean_y**2 + self.c1
        contrast, spread = 2 * covariance + self.c2, variances + self.c2
        similarity = luminance * contrast / (squares * spread)
        losses = 1 - similarity.mean(axis=(1, 2, 3))
        scale = np.ones(len(x)) if weights is None else weights
        total = float((losses * scale).sum(dtype=np.float64))
        if not ctx.keep:
            return total, None
        # Derivatives with respect to the smoothed x x, x y and x.
        of_square = -similarity / spread
        of_product = 2 * luminance / (squares * spread)
        of_mean = 2 * (mean_y * contrast / spread - mean_x * similarity) / squares
        of_mean -= 2 * mean_x * of_square + mean_y * of_product
        gradient = self._spread(of_mean)
        gradient += 2 * x * self._spread(of_square) + y * self._spread(of_product)
        gradient *= expand(-scale / (similarity.size / len(x)), 4)
        return total, gradient.astype(outputs.dtype)

    def backward(self, ctx: Context, cache: Any) -> Array:
        gradient: Array = cache
        return gradient

    def predict(self, outputs: Array) -> Array:
        return outputs

    def check_shapes(self, out_shape: Shape, target_shape: Shape) -> None:
        self.require_images(out_shape)
        if out_shape not in (target_shape, (*target_shape, 1)):
            raise ShapeError(
                "ssim needs targets in the shape of the outputs (H, W, C), or (H, W) for C = 1; the"
                f" output has the shape {out_shape} and the target {target_shape}"
            )

    def require_images(self, out_shape: Shape) -> None:
        """Raise a ShapeError unless a window fits into outputs of a shape."""
        if len(out_shape) != 3:
            raise ShapeError(
                f"ssim needs outputs (H, W, C), but the output has the shape {out_shape}: end the"
                " network with images, or use mse"
            )
        if min(out_shape[:2]) < len(self.window):
            raise ShapeError(
                f"ssim compares windows of {len(self.window)} x {len(self.window)} pixels, but the"
                f" images have {out_shape[0]} x {out_shape[1]}; set filter_size to at most"
                f" {min(out_shape[:2])}"
            )

    def bad_target(self, out_shape: Shape, targets: Array) -> Bad | None:
        return first_bad(targets, np.isfinite(targets), "a finite number")

    def _smooth(self, images: Array) -> Array:
        """Return weighted means over windows, (N, H - size + 1, W - size + 1, C)."""
        for axis in (1, 2):
            images = np.swapaxes(images, 0, axis)
            count = len(images) - len(self.window) + 1
            images = sum(weight * images[i : i + count] for i, weight in enumerate(self.window))
            images = np.swapaxes(images, 0, axis)
        return images

    def _spread(self, gradient: Array) -> Array:
        """Return the gradient of `_smooth` with respect to its images."""
        for axis in (1, 2):
            gradient = np.swapaxes(gradient, 0, axis)
            count = len(gradient)
            images = np.zeros((count + len(self.window) - 1, *gradient.shape[1:]))
            for i, weight in enumerate(self.window):
                images[i : i + count] += weight * gradient
            gradient = np.swapaxes(images, 0, axis)
        return gradient
