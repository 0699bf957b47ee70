"""The reference kernels, in NumPy alone."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from tinynet.kernels import (
    Recording,
    attention,
    convolution,
    ctc,
    dense,
    elementwise,
    gelu,
    group_norm,
    gru,
    lstm,
    normalization,
    pooling,
    random,
    rectified,
    recurrent,
    rotation,
    updates,
)
from tinynet.kernels.recording import RecordedCalls, recorded

_ALONE = nullcontext()


class NumpyKernels:
    """The kernels in NumPy, readable first, and fast second.

    Those of a derived class are not recorded, unless it has a ``recording`` of its own: it may
    compute otherwise.
    """

    level = "numpy"
    cut_from = 0.4
    recording: Callable[[], Recording] | None = RecordedCalls
    multi_tensor_updates = True

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "recording" not in vars(cls):
            cls.recording = None

    def on_threads(self, count: int) -> AbstractContextManager[None]:
        """Return a context without effect: these kernels use one thread."""
        return _ALONE

    conv2d = staticmethod(convolution.conv2d)
    conv2d_backward = staticmethod(convolution.conv2d_backward)
    conv2d_transpose = staticmethod(convolution.conv2d_transpose)
    conv2d_transpose_backward = staticmethod(convolution.conv2d_transpose_backward)
    max_pool2d = staticmethod(pooling.max_pool2d)
    max_pool2d_backward = staticmethod(pooling.max_pool2d_backward)
    avg_pool2d = staticmethod(pooling.avg_pool2d)
    avg_pool2d_backward = staticmethod(pooling.avg_pool2d_backward)
    moments = staticmethod(normalization.moments)
    batch_norm = staticmethod(normalization.batch_norm)
    batch_norm_sums = staticmethod(normalization.batch_norm_sums)
    batch_norm_backward = staticmethod(normalization.batch_norm_backward)
    batch_norm_relu = rectified.batch_norm_relu
    batch_norm_relu_sums = rectified.batch_norm_relu_sums
    batch_norm_relu_backward = rectified.batch_norm_relu_backward
    layer_norm = staticmethod(normalization.layer_norm)
    layer_norm_backward = staticmethod(normalization.layer_norm_backward)
    rms_norm = staticmethod(normalization.rms_norm)
    rms_norm_backward = staticmethod(normalization.rms_norm_backward)
    group_norm_backward = staticmethod(group_norm.group_norm_backward)
    group_norm = staticmethod(group_norm.group_norm)
    rotate = staticmethod(rotation.rotate)
    dense_backward = staticmethod(dense.dense_backward)
    dense = staticmethod(dense.dense)
    attention_backward = staticmethod(attention.attention_backward)
    attention = staticmethod(attention.attention)
    relu_backward = staticmethod(elementwise.relu_backward)
    add = staticmethod(elementwise.add)
    multiply = staticmethod(elementwise.multiply)
    scale = staticmethod(elementwise.scale)
    divide = staticmethod(elementwise.divide)
    relu = staticmethod(elementwise.relu)
    gelu = staticmethod(gelu.gelu)
    softmax_cross_entropy = staticmethod(elementwise.softmax_cross_entropy)
    ctc = staticmethod(ctc.ctc)
    simple_rnn = staticmethod(recurrent.simple_rnn)
    simple_rnn_backward = staticmethod(recurrent.simple_rnn_backward)
    gru_backward = staticmethod(gru.gru_backward)
    gru = staticmethod(gru.gru)
    lstm_backward = staticmethod(lstm.lstm_backward)
    lstm = staticmethod(lstm.lstm)
    dropout = staticmethod(elementwise.dropout)
    uniform = staticmethod(random.uniform)
    sgd = staticmethod(updates.sgd)
    adam = staticmethod(updates.adam)
    rmsprop = staticmethod(updates.rmsprop)


_UPDATES = {update.__name__ for update in updates.UPDATES}

# Passes are recorded, and so everything but the updates. The kernels of `rectified` are methods.
for _name, _value in list(vars(NumpyKernels).items()):
    if isinstance(_value, staticmethod) and _name not in _UPDATES:
        setattr(NumpyKernels, _name, staticmethod(recorded(_value.__func__)))
    elif callable(_value) and _name in vars(rectified):
        setattr(NumpyKernels, _name, recorded(_value))
