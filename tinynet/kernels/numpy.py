"""The reference kernels, in NumPy alone."""

from tinynet.kernels import convolution, cross_entropy, dropout, normalization, pooling


class NumpyKernels:
    """Every kernel of `tinynet.kernels.Kernels`: readable first, and fast second."""

    conv2d = staticmethod(convolution.conv2d)
    conv2d_backward = staticmethod(convolution.conv2d_backward)
    max_pool2d = staticmethod(pooling.max_pool2d)
    max_pool2d_backward = staticmethod(pooling.max_pool2d_backward)
    avg_pool2d = staticmethod(pooling.avg_pool2d)
    avg_pool2d_backward = staticmethod(pooling.avg_pool2d_backward)
    batch_norm = staticmethod(normalization.batch_norm)
    batch_norm_backward = staticmethod(normalization.batch_norm_backward)
    layer_norm = staticmethod(normalization.layer_norm)
    layer_norm_backward = staticmethod(normalization.layer_norm_backward)
    softmax_cross_entropy = staticmethod(cross_entropy.softmax_cross_entropy)
    dropout = staticmethod(dropout.dropout)
