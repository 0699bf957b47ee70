"""The names of the compared sides in reports."""

NUMPY, NATIVE = "tinynet numpy", "tinynet native"
TORCH, CHANNELS_LAST, COMPILED = "torch", "torch channels_last", "torch.compile"
JAX, ONNX, SKLEARN = "jax", "onnxruntime", "scikit-learn"
PRODUCTS = "matrix products"

OURS = (NUMPY, NATIVE)
"""The sides of tinynet, by its kernels."""
