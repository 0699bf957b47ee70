"""Compiled kernels for tinynet, chosen when they are imported for the processor they run on."""

from tinynet.kernels.numpy import NumpyKernels
from tinynet.kernels.updates import UPDATES
from tinynet_native import (
    _kernels,
    attention,
    convolution,
    dense,
    elementwise,
    normalization,
    pooling,
    recurrent,
    rotation,
)
from tinynet_native._threads import OnThreads
from tinynet_native._updates import compiled

__all__ = ["NativeKernels"]


class NativeKernels(NumpyKernels):
    """Every kernel of `tinynet.kernels.Kernels`, one native call each, off the interpreter lock.

    The same inputs give the same bits in every call and on every thread, for one `level`.

    Attributes:
        level: The instructions in use: ``avx512``, ``avx2``, or ``baseline``, which is what every
            processor of the family has (SSE2, NEON).
    """

    level: str = _kernels.level()
    cut_from = 2.0
    whole_if_exchanged = True
    recording = _kernels.Recording
    multi_tensor_updates = True

    on_threads = staticmethod(OnThreads)

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
    batch_norm_relu = staticmethod(normalization.batch_norm_relu)
    batch_norm_relu_sums = staticmethod(normalization.batch_norm_relu_sums)
    batch_norm_relu_backward = staticmethod(normalization.batch_norm_relu_backward)
    layer_norm = staticmethod(normalization.layer_norm)
    layer_norm_backward = staticmethod(normalization.layer_norm_backward)
    rms_norm = staticmethod(normalization.rms_norm)
    rms_norm_backward = staticmethod(normalization.rms_norm_backward)
    group_norm_backward = staticmethod(normalization.group_norm_backward)
    group_norm = staticmethod(normalization.group_norm)
    attention_backward = staticmethod(attention.attention_backward)
    attention = staticmethod(attention.attention)
    rotate = staticmethod(rotation.rotate)
    simple_rnn = staticmethod(recurrent.simple_rnn)
    simple_rnn_backward = staticmethod(recurrent.simple_rnn_backward)
    gru_backward = staticmethod(recurrent.gru_backward)
    gru = staticmethod(recurrent.gru)
    lstm_backward = staticmethod(recurrent.lstm_backward)
    lstm = staticmethod(recurrent.lstm)
    dense_backward = staticmethod(dense.dense_backward)
    dense = staticmethod(dense.dense)
    relu = staticmethod(elementwise.relu)
    relu_backward = staticmethod(elementwise.relu_backward)
    add = staticmethod(elementwise.add)
    multiply = staticmethod(elementwise.multiply)
    scale = staticmethod(elementwise.scale)
    divide = staticmethod(elementwise.divide)
    gelu = staticmethod(elementwise.gelu)
    softmax_cross_entropy = staticmethod(elementwise.softmax_cross_entropy)
    dropout = staticmethod(elementwise.dropout)
    uniform = staticmethod(elementwise.uniform)


for _update in UPDATES:
    if hasattr(_kernels, _update.__name__):
        setattr(NativeKernels, _update.__name__, staticmethod(compiled(_update)))
