"""Names of classes and functions in Keras and PyTorch, by the type that does the same."""

CLASS_NAMES: dict[str, str] = {
    # Layers
    "adaptive_avg_pool1d": "AdaptiveAveragePooling1D",
    "adaptive_avg_pool2d": "AdaptiveAveragePooling2D",
    "adaptive_avg_pool3d": "AdaptiveAveragePooling3D",
    "avg_pool1d": "AveragePooling1D",
    "avg_pool2d": "AveragePooling2D",
    "avg_pool3d": "AveragePooling3D",
    "batch_norm": (
        "BatchNormalization BatchNorm1d BatchNorm2d BatchNorm3d"
        " LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d SyncBatchNorm"
    ),
    "concat": "Concatenate cat",
    "conv1d": "Convolution1D LazyConv1d",
    "conv1d_transpose": "ConvTranspose1d Deconvolution1D LazyConvTranspose1d",
    "conv2d": "Convolution2D LazyConv2d",
    "conv2d_transpose": (
        "ConvTranspose2d Convolution2DTranspose Deconvolution2D LazyConvTranspose2d"
    ),
    "conv3d": "Convolution3D LazyConv3d",
    "conv3d_transpose": (
        "ConvTranspose3d Convolution3DTranspose Deconvolution3D LazyConvTranspose3d"
    ),
    "cropping2d": "CenterCrop",
    "dense": "Linear LazyLinear FullyConnected",
    "depth_to_space": "PixelShuffle",
    "gaussian_sampling": "Sampling Reparameterization",
    "global_avg_pool1d": "GlobalAveragePooling1D",
    "global_avg_pool2d": "GlobalAveragePooling2D",
    "global_avg_pool3d": "GlobalAveragePooling3D",
    "global_max_pool1d": "GlobalMaxPooling1D",
    "global_max_pool2d": "GlobalMaxPooling2D",
    "global_max_pool3d": "GlobalMaxPooling3D",
    "group_norm": "GroupNormalization",
    "gru": "GRUCell",
    "instance_norm": (
        "InstanceNorm1d InstanceNorm2d InstanceNorm3d InstanceNormalization"
        " LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d"
    ),
    "layer_norm": "LayerNormalization",
    "local_response_norm": "CrossMapLRN2d",
    "lstm": "LSTMCell",
    "matmul": "bmm mm",
    "max_pool1d": "MaxPooling1D",
    "max_pool2d": "MaxPooling2D",
    "max_pool3d": "MaxPooling3D",
    "multi_head_attention": (
        "Attention AdditiveAttention GroupQueryAttention MultiheadAttention"
        " scaled_dot_product_attention"
    ),
    "pad": (
        "ConstantPad1d ConstantPad2d ConstantPad3d"
        " CircularPad1d CircularPad2d CircularPad3d"
        " ReflectionPad1d ReflectionPad2d ReflectionPad3d"
        " ReplicationPad1d ReplicationPad2d ReplicationPad3d"
    ),
    "permute": "Transpose",
    "position_embedding": "PositionalEmbedding",
    "reduce_max": "amax",
    "reduce_min": "amin",
    "reshape": "Unflatten",
    "resizing": "Resize Interpolate",
    "rms_norm": "RMSNormalization",
    "rotary_embedding": "RoPE",
    "scale": "Rescaling",
    "sequence_mask": "Masking",
    "simple_rnn": "RNN RNNCell SimpleRNNCell",
    "sinusoidal_position": "PositionalEncoding SinePositionEncoding",
    "space_to_depth": "PixelUnshuffle",
    "stochastic_depth": "DropPath",
    "stop_gradient": "detach",
    "threshold": "ThresholdedReLU",
    "up_sampling1d": "Upsample",
    "up_sampling2d": "Upsample UpsamplingNearest2d UpsamplingBilinear2d",
    "zero_padding1d": "ZeroPad1d",
    "zero_padding2d": "ZeroPad2d",
    "zero_padding3d": "ZeroPad3d",
    # Losses
    "binary_cross_entropy": "BCELoss BCEWithLogitsLoss BinaryCrossentropy SigmoidCrossEntropy",
    "binary_focal_cross_entropy": "BinaryFocalCrossentropy sigmoid_focal_loss",
    "categorical_focal_cross_entropy": "CategoricalFocalCrossentropy",
    "contrastive": "ContrastiveLoss",
    "cosine_similarity": "CosineEmbeddingLoss",
    "ctc": "CTCLoss",
    "gaussian_nll": "GaussianNLLLoss",
    "hinge": "HingeEmbeddingLoss SoftMarginLoss",
    "huber": "HuberLoss",
    "kl_divergence": "KLDivLoss KLDivergence",
    "mae": "L1Loss MeanAbsoluteError",
    "mape": "MeanAbsolutePercentageError",
    "mse": "MSELoss MeanSquaredError",
    "msle": "MeanSquaredLogarithmicError",
    "categorical_hinge": "MultiMarginLoss",
    "poisson": "PoissonNLLLoss",
    "smooth_l1": "SmoothL1Loss",
    "softmax_cross_entropy": (
        "CrossEntropyLoss NLLLoss CategoricalCrossentropy SparseCategoricalCrossentropy"
    ),
    "triplet": "TripletMarginLoss TripletMarginWithDistanceLoss",
    # Optimizers
    "adam": "FusedAdam",
    "adamw": "AdamWeightDecay DecoupledWeightDecay",
    "radam": "RectifiedAdam",
    "sgd": "Momentum Nesterov GradientDescent",
    # Schedules
    "constant": "ConstantLR",
    "cosine": "CosineAnnealingLR CosineDecay",
    "cosine_restarts": "CosineAnnealingWarmRestarts CosineDecayRestarts",
    "cyclical": "CyclicLR CyclicalLearningRate",
    "exponential": "ExponentialLR ExponentialDecay",
    "inverse_sqrt": "NoamLR",
    "inverse_time": "InverseTimeDecay",
    "linear": "LinearLR LinearWarmup",
    "one_cycle": "OneCycleLR",
    "piecewise_constant": "PiecewiseConstantDecay MultiStepLR",
    "polynomial": "PolynomialLR PolynomialDecay",
    "step": "StepLR",
    # Metrics
    "accuracy": "CategoricalAccuracy SparseCategoricalAccuracy accuracy_score",
    "auc": "AUROC AveragePrecision roc_auc_score",
    "balanced_accuracy": "balanced_accuracy_score",
    "calibration_error": "ExpectedCalibrationError ECE",
    "cohen_kappa": "CohenKappa cohen_kappa_score",
    "f1": "F1Score FBetaScore f1_score",
    "log_loss": "CategoricalCrossentropy",
    "matthews": "MatthewsCorrCoef matthews_corrcoef",
    "mean_iou": "MeanIoU BinaryIoU OneHotMeanIoU JaccardIndex jaccard_score",
    "psnr": "PeakSignalNoiseRatio",
    "r2": "R2Score r2_score",
    "rmse": "RootMeanSquaredError",
    "spearman": "SpearmanCorrCoef spearmanr",
    "ssim": "StructuralSimilarityIndexMeasure",
    "top_k_accuracy": "TopKCategoricalAccuracy SparseTopKCategoricalAccuracy",
    # Initializers, regularizers, constraints and parametrizations
    "glorot_normal": "xavier_normal_",
    "glorot_uniform": "xavier_uniform_",
    "he_normal": "kaiming_normal_",
    "he_uniform": "kaiming_uniform_",
    "normal": "RandomNormal",
    "orthogonal": "OrthogonalRegularizer",
    "truncated_normal": "trunc_normal_",
    "uniform": "RandomUniform",
    "l1_l2": "L1L2",
    "max_norm": "MaxNorm renorm",
    "non_negative": "NonNeg",
    "spectral_norm": "SpectralNormalization",
    "weight_norm": "WeightNormalization",
    # Transforms and datasets
    "bag_of_words": "CountVectorizer TextVectorization",
    "center_crop": "CenterCrop",
    "csv": "read_csv",
    "cutmix": "RandomCutMix",
    "cutout": "RandomCutout CoarseDropout",
    "mixup": "RandomMixUp",
    "random_brightness": "ColorJitter",
    "random_contrast": "ColorJitter",
    "random_erase": "RandomErasing",
    "random_flip": "RandomHorizontalFlip RandomVerticalFlip HorizontalFlip VerticalFlip",
    "random_noise": "GaussNoise",
    "random_rotate": "RandomRotation",
    "random_shift": "RandomTranslation RandomAffine",
    "random_zoom": "RandomScale RandomAffine",
    "one_hot": "CategoryEncoding OneHotEncoder",
    "standardize": "StandardScaler Normalization",
    "text_folder": "text_dataset_from_directory load_files",
    "text_lines": "TextLineDataset",
    "tfidf": "TfidfVectorizer",
    "vocabulary": "StringLookup IntegerLookup TextVectorization Tokenizer LabelEncoder",
}
"""The classes of each type; one of them may stand for several types.

A type that is written alike, such as ``LeakyReLU``, needs no entry.
"""


def squash(name: str) -> str:
    """Return a name without the differences of styles: ``Conv2DTranspose``, ``conv2d_transpose``.

    A module before a dot is left out.
    """
    return name.rpartition(".")[2].replace("_", "").replace("-", "").lower()


TYPES_BY_CLASS: dict[str, list[str]] = {}
"""The types of each class in `CLASS_NAMES`, by its name in the style of `squash`."""

for _type, _classes in CLASS_NAMES.items():
    for _class in _classes.split():
        TYPES_BY_CLASS.setdefault(squash(_class), []).append(_type)
