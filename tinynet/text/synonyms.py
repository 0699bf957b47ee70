"""Words of Keras, PyTorch and scikit-learn for what a spec calls otherwise."""

import json
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from typing import Any

from tinynet.text.class_names import TYPES_BY_CLASS, squash

SYNONYMS: dict[str, tuple[str, ...]] = {
    # Keys of layers
    "axis": ("axes",),
    "bias": ("use_bias",),
    "bias_init": ("bias_initializer",),
    "channels": ("filters",),
    "dilation": ("dilation_rate",),
    "dim": ("axis", "axes"),
    "drop_rate": ("rate",),
    "dropout_rate": ("rate",),
    "embedding_dim": ("output_dim",),
    "eps": ("epsilon", "epsilon_1"),
    "features": ("units",),
    "filter_size": ("kernel_size",),
    "hidden_size": ("units",),
    "init": ("weight_initializer",),
    "initializer": ("weight_initializer",),
    "kernel": ("kernel_size",),
    "kernel_init": ("weight_initializer",),
    "kernel_initializer": ("weight_initializer",),
    "keepdim": ("keepdims",),
    "lambd": ("threshold",),
    "max_val": ("max",),
    "max_value": ("max",),
    "min_val": ("min",),
    "min_value": ("min",),
    "mode": ("interpolation",),
    "neurons": ("units",),
    "num_embeddings": ("input_dim",),
    "num_filters": ("filters",),
    "num_groups": ("groups",),
    "out_channels": ("filters",),
    "out_features": ("units",),
    "output_shape": ("target_shape",),
    "p": ("rate",),
    "padding": ("pad_width",),
    "probability": ("rate",),
    "scale_factor": ("size",),
    "shape": ("target_shape",),
    "size": ("kernel_size", "pool_size", "units"),
    "stride": ("strides",),
    "value": ("default_value",),
    "vocab_size": ("input_dim",),
    # Keys of every node
    "after": ("inputs",),
    "class_name": ("type",),
    "input": ("inputs",),
    "parents": ("inputs",),
    # Keys of losses, optimizers, schedules, metrics and initializers
    "alpha": ("negative_slope", "rho"),
    "base_lr": ("min_factor",),
    "beta": ("delta",),
    "beta1": ("beta_1",),
    "beta2": ("beta_2",),
    "beta2_decay": ("beta_2_decay",),
    "betas": ("beta_1",),
    "clip": ("clip_norm",),
    "clipnorm": ("clip_norm",),
    "clipvalue": ("clip_value",),
    "global_clipnorm": ("clip_norm",),
    "gradient_clip_val": ("clip_norm",),
    "high": ("maxval",),
    "ignore_index": ("ignore_label",),
    "kernel_regularizer": ("regularizer",),
    "l1": ("mae", "factor"),
    "l2": ("weight_decay", "factor"),
    "low": ("minval",),
    "lr": ("learning_rate",),
    "end_learning_rate": ("end_factor",),
    "eta_min": ("alpha",),
    "max_norm": ("clip_norm",),
    "milestones": ("boundaries",),
    "min_learning_rate": ("min_factor",),
    "min_lr": ("min_factor",),
    "smoothing": ("label_smoothing",),
    "std": ("stddev",),
    "t_0": ("first_decay_steps",),
    "t_max": ("decay_steps",),
    "t_mult": ("t_mul",),
    "total_iters": ("decay_steps",),
    "total_steps": ("decay_steps",),
    "warmup": ("warmup_steps",),
    # Keys of the other parts of a spec
    "criterion": ("loss",),
    "dataset": ("data",),
    "file": ("path",),
    "filename": ("path",),
    "iterations": ("steps",),
    "lr_schedule": ("schedule",),
    "lr_scheduler": ("schedule",),
    "max_epochs": ("epochs",),
    "max_steps": ("steps",),
    "model": ("network",),
    "monitor": ("metric",),
    "nodes": ("layers",),
    "num_epochs": ("epochs",),
    "objective": ("loss",),
    "preprocessing": ("transforms",),
    "random_state": ("seed",),
    "scheduler": ("schedule",),
    "sep": ("delimiter",),
    "target_column": ("target",),
    "variables": ("vars",),
    # Types
    "abs": ("absolute",),
    "activityregularization": ("activity_regularization",),
    "bce": ("binary_cross_entropy",),
    "binary_focal_crossentropy": ("binary_focal_cross_entropy",),
    "categorical_crossentropy": ("softmax_cross_entropy",),
    "categorical_focal_crossentropy": ("categorical_focal_cross_entropy",),
    "clamp": ("clip",),
    "contrastive_loss": ("contrastive",),
    "cosine": ("cosine_similarity", "cos"),
    "cosine_annealing": ("cosine",),
    "cosine_annealing_warm_restarts": ("cosine_restarts",),
    "cosine_decay": ("cosine",),
    "cross_entropy": ("softmax_cross_entropy",),
    "cumsum": ("cumulative_sum",),
    "dice_loss": ("dice",),
    "div": ("divide",),
    "drop_path": ("stochastic_depth",),
    "dropout1d": ("spatial_dropout1d",),
    "dropout2d": ("spatial_dropout2d",),
    "dropout3d": ("spatial_dropout3d",),
    "exp": ("exponential",),
    "eye": ("identity",),
    "focal": ("categorical_focal_cross_entropy", "binary_focal_cross_entropy"),
    "focal_loss": ("categorical_focal_cross_entropy", "binary_focal_cross_entropy"),
    "gaussian_nll_loss": ("gaussian_nll",),
    "hard_swish": ("hard_silu",),
    "hardshrink": ("hard_shrink",),
    "hardsigmoid": ("hard_sigmoid",),
    "hardswish": ("hard_silu",),
    "hardtanh": ("hard_tanh",),
    "kaiming_normal": ("he_normal",),
    "kaiming_uniform": ("he_uniform",),
    "kl_div": ("kl_divergence",),
    "kld": ("kl_divergence",),
    "layer_scale": ("scale",),
    "leakyrelu": ("leaky_relu",),
    "linear": ("dense",),
    "logarithm": ("log",),
    "log_loss": ("softmax_cross_entropy",),
    "logcosh": ("log_cosh",),
    "logsigmoid": ("log_sigmoid",),
    "logsoftmax": ("log_softmax",),
    "mean_absolute_error": ("mae",),
    "mean_absolute_percentage_error": ("mape",),
    "mean_squared_error": ("mse",),
    "mean_squared_logarithmic_error": ("msle",),
    "multi_step": ("piecewise_constant",),
    "multisteplr": ("piecewise_constant",),
    "pinball": ("quantile",),
    "poisson_nll": ("poisson",),
    "poisson_nll_loss": ("poisson",),
    "pow": ("power",),
    "softshrink": ("soft_shrink",),
    "reduce_lr_on_plateau": ("reduce_on_plateau",),
    "reducelronplateau": ("reduce_on_plateau",),
    "sparse_categorical_crossentropy": ("softmax_cross_entropy",),
    "sine": ("sin",),
    "ssim_loss": ("ssim",),
    "swish": ("silu",),
    "take": ("gather",),
    "tanhshrink": ("tanh_shrink",),
    "triplet_loss": ("triplet",),
    "triplet_margin": ("triplet",),
    "trunc_normal": ("truncated_normal",),
    "unsqueeze": ("expand_dims",),
    "view": ("reshape",),
    "xavier_normal": ("glorot_normal",),
    "xavier_uniform": ("glorot_uniform",),
}
"""The names that may be meant by a name, the likeliest first; only those that exist are suggested.
"""

ACTIVATIONS = (
    *("celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu"),
    *("hard_tanh", "leaky_relu", "log_sigmoid", "log_softmax", "mish", "prelu", "relu", "relu6"),
    *("selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign", "sparsemax"),
    *("swiglu", "tanh", "tanh_shrink"),
)
"""Activations that other frameworks also accept as an option of a layer."""

_NODE = {"inputs", "shares", "trainable"}
"""Keys by which a node of a network is recognized."""

_INFERRED = ("in_channels", "in_features", "input_dim", "normalized_shape", "num_features")


def synonym(word: str, available: Collection[str]) -> str | None:
    """Return the available name for the one that other tools use, if there is one."""
    return next((name for name in synonyms(word) if name in available), None)


def synonyms(word: str) -> tuple[str, ...]:
    """Return the names that may be meant by a word of another tool, the likeliest first."""
    return (*SYNONYMS.get(word.lower(), ()), *TYPES_BY_CLASS.get(squash(word), ()))


def node_hint(key: str, value: Any, available: AbstractSet[str]) -> str | None:
    """Return the remedy for a key that no node has, where renaming it is not enough.

    The keys that exist at that place are `available`.
    """
    if not available >= _NODE:
        return None
    if key == "activation":
        if value is None or value == "linear":
            return "leave it out: without an activation the output is linear"
        name = value if value in ACTIVATIONS else synonym(str(value), ACTIVATIONS)
        node = "such a layer" if name is None else json.dumps({"type": name})
        return f"an activation is a layer of its own: add {node} after this node"
    if key == "negative_slope":
        return f"use {json.dumps({'type': 'leaky_relu', 'negative_slope': value})}"
    if key == "max_value" and "max" not in available:
        bounded = {"type": "relu6"} if value == 6 else {"type": "clip", "min": 0, "max": value}
        return f"use {json.dumps(bounded)}"
    if key in ("frozen", "freeze"):
        return 'to freeze the parameters of this node, write "trainable": false'
    if key == "input_shape":
        return "it is written once, as network.input_shape"
    if key in _INFERRED:
        return "leave it out: it follows from the input of the node"
    return None


def value_hint(word: str, available: AbstractSet[str]) -> str | None:
    """Return the remedy for a word that is not among the strings that a key takes."""
    if not {"relu", "tanh"} <= available:
        return None
    if word in ("linear", "identity"):
        return 'leave the layer out, or use {"type": "identity"}'
    return f"use {json.dumps({'type': word})}" if word in ACTIVATIONS else None
