"""The table of ONNX's operators: how tinynet computes each, or why it does not."""

from collections.abc import Callable

from . import (
    attention,
    convolutions,
    elementwise,
    losses,
    normalizations,
    optimizers,
    pooling,
    products,
    reductions,
    shapes,
)
from .cases import Case
from .elementwise import along_axis, several, unary
from .normalizations import channel_norm
from .plan import Check
from .recurrent import recurrent as recurrent_layer
from .reductions import composed, reduce

OPERATORS: dict[str, Callable[[Case], Check]] = {
    # Elements
    "Abs": unary("absolute"),
    "Celu": unary("celu", alpha=("alpha", 1.0)),
    "Clip": elementwise.plan_clip,
    "Cos": unary("cos"),
    "Elu": unary("elu", alpha=("alpha", 1.0)),
    "Exp": unary("exponential"),
    "Gelu": unary("gelu", approximate=("approximate", "none")),
    "HardSigmoid": elementwise.plan_hard_sigmoid,
    "HardSwish": unary("hard_silu"),
    "Identity": unary("identity"),
    "LeakyRelu": unary("leaky_relu", negative_slope=("alpha", 0.01)),
    "Log": unary("log"),
    "Mish": unary("mish"),
    "Neg": elementwise.plan_neg,
    "PRelu": elementwise.plan_prelu,
    "Reciprocal": unary("power", {"exponent": -1}),
    "Relu": unary("relu"),
    "Selu": elementwise.plan_selu,
    "Shrink": elementwise.plan_shrink,
    "Sigmoid": unary("sigmoid"),
    "Sin": unary("sin"),
    "Softplus": unary("softplus"),
    "Softsign": unary("softsign"),
    "Sqrt": unary("power", {"exponent": 0.5}),
    "Swish": elementwise.plan_swish,
    "Tanh": unary("tanh"),
    "ThresholdedRelu": unary("threshold", threshold=("alpha", 1.0)),
    # Several tensors
    "Add": several("add"),
    "Div": several("divide"),
    "Max": several("maximum"),
    "Mean": several("average"),
    "Min": several("minimum"),
    "Mul": several("multiply"),
    "Pow": several("power"),
    "Sub": several("subtract"),
    "Sum": several("add"),
    "SwiGLU": elementwise.plan_swiglu,
    # Along an axis
    "CumSum": reductions.plan_cumulative_sum,
    "LogSoftmax": along_axis("log_softmax"),
    "Softmax": along_axis("softmax"),
    "ReduceL1": composed(["absolute", "sum"]),
    "ReduceL2": composed(["square", "sum", "root"]),
    "ReduceLogSum": composed(["sum", "log"]),
    "ReduceLogSumExp": composed(["exponential", "sum", "log"]),
    "ReduceMax": reduce("reduce_max"),
    "ReduceMean": reduce("reduce_mean"),
    "ReduceMin": reduce("reduce_min"),
    "ReduceSum": reduce("reduce_sum"),
    "ReduceSumSquare": composed(["square", "sum"]),
    # Shapes
    "CenterCropPad": shapes.plan_center_crop_pad,
    "Concat": shapes.plan_concat,
    "DepthToSpace": shapes.plan_depth_to_space,
    "Expand": shapes.plan_expand,
    "Flatten": shapes.plan_flatten,
    "Gather": shapes.plan_gather,
    "Pad": shapes.plan_pad,
    "Reshape": shapes.plan_reshape,
    "Slice": shapes.plan_slice,
    "SpaceToDepth": shapes.plan_space_to_depth,
    "Split": shapes.plan_split,
    "Squeeze": shapes.plan_squeeze,
    "Tile": shapes.plan_tile,
    "Transpose": shapes.plan_transpose,
    "Unsqueeze": shapes.plan_unsqueeze,
    # Products
    "Einsum": products.plan_einsum,
    "Gemm": products.plan_gemm,
    "MatMul": products.plan_matmul,
    # Convolutions and pooling
    "AveragePool": pooling.plan_average_pool,
    "CausalConvWithState": convolutions.plan_causal_conv,
    "Conv": convolutions.plan_conv,
    "ConvTranspose": convolutions.plan_conv_transpose,
    "GlobalAveragePool": pooling.plan_global("avg"),
    "GlobalMaxPool": pooling.plan_global("max"),
    "LpPool": pooling.plan_lp_pool,
    "MaxPool": pooling.plan_max_pool,
    "Resize": pooling.plan_resize,
    "Upsample": pooling.plan_upsample,
    # Normalizations and dropout
    "BatchNormalization": normalizations.plan_batch_norm,
    "Dropout": elementwise.plan_dropout,
    "GroupNormalization": channel_norm("group_norm", groups=("num_groups", None)),
    "InstanceNormalization": channel_norm("instance_norm"),
    "LRN": normalizations.plan_local_response_norm,
    "LayerNormalization": normalizations.plan_layer_norm,
    "LpNormalization": normalizations.plan_lp_norm,
    "MeanVarianceNormalization": normalizations.plan_mean_variance,
    "RMSNormalization": normalizations.plan_rms_norm,
    # Sequences. ONNX has the gates of an LSTM in the order i, o, f, c.
    "Attention": attention.plan_attention,
    "GRU": recurrent_layer("gru", [0, 1, 2], reset_after=False),
    "LSTM": recurrent_layer("lstm", [0, 2, 3, 1]),
    "RNN": recurrent_layer("simple_rnn", [0]),
    "RotaryEmbedding": attention.plan_rotary_embedding,
    # Training
    "Adagrad": optimizers.plan_adagrad,
    "Adam": optimizers.plan_adam,
    "Momentum": optimizers.plan_momentum,
    "NegativeLogLikelihoodLoss": losses.plan_negative_log_likelihood,
    "SoftmaxCrossEntropyLoss": losses.plan_softmax_cross_entropy,
}

NO_LAYER = {
    "further elementary functions": ("Acos Acosh Asin Asinh Atan Atanh Cosh Erf Sinh Tan"),
    "functions in steps, without a slope": "Ceil Floor Round Sign Mod",
    "outputs that are indices, truth values or whole numbers": (
        "And ArgMax ArgMin BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Equal Greater"
        " GreaterOrEqual Hardmax IsInf IsNaN Less LessOrEqual NonZero Not OneHot Or Shape Size"
        " TopK Xor"
    ),
    "a choice or an order by the values of another input": (
        "Compress GatherElements GatherND ReverseSequence Scatter ScatterElements ScatterND"
        " TensorScatter Unique Where"
    ),
    "products along an axis, and parts of matrices": "CumProd Det ReduceProd Trilu",
    "other dtypes and quantization": (
        "BitCast Cast CastLike ConvInteger DequantizeLinear DynamicQuantizeLinear MatMulInteger"
        " QLinearConv QLinearMatMul QuantizeLinear"
    ),
    "no input, or a random output": (
        "Bernoulli BlackmanWindow Constant ConstantOfShape EyeLike HammingWindow HannWindow"
        " MelWeightMatrix Range"
    ),
    "images: sampling at given places, detection and files": (
        "AffineGrid Col2Im DeformConv GridSample ImageDecoder MaxUnpool NonMaxSuppression RoiAlign"
    ),
    "signals": "DFT STFT",
    "control flow, sequences and optional values": (
        "If Loop OptionalGetElement OptionalHasElement Scan SequenceInsert SequenceMap"
        " SplitToSequence"
    ),
    "strings": "RegexFullMatch StringConcat StringNormalizer StringSplit TfIdfVectorizer",
    "attention that is linear, or has functions of the scores": "FlexAttention LinearAttention",
    "trees and features of classical models": (
        "ArrayFeatureExtractor Binarizer LabelEncoder TreeEnsemble"
    ),
}
"""The operators that no layer of tinynet computes, by what they have in common."""
