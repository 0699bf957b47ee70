"""`tinynet layers --search`: types by words, and by their names in Keras and PyTorch."""

from functools import cache

import pytest
from tinynet_cli import layers as command

from tinynet import registry
from tinynet.commands.catalog.search import Index
from tinynet.text.class_names import CLASS_NAMES
from tinynet.text.kinds import GROUPS

FOREIGN = {
    "layers": {
        "conv2d_transpose": "ConvTranspose2d Conv2DTranspose nn.ConvTranspose2d",
        "batch_norm": "BatchNormalization BatchNorm2d torch.nn.BatchNorm1d",
        "dense": "nn.Linear Linear keras.layers.Dense",
        "lstm": "LSTM nn.LSTM",
        "depth_to_space": "PixelShuffle",
        "leaky_relu": "LeakyReLU nn.LeakyReLU",
        "max_pool2d": "MaxPooling2D MaxPool2d",
        "global_avg_pool2d": "GlobalAveragePooling2D",
        "adaptive_avg_pool2d": "AdaptiveAvgPool2d",
        "multi_head_attention": "MultiHeadAttention MultiheadAttention",
        "concat": "Concatenate torch.cat",
        "layer_norm": "LayerNormalization LayerNorm",
        "instance_norm": "InstanceNorm2d",
        "embedding": "nn.Embedding",
        "up_sampling2d": "UpSampling2D UpsamplingBilinear2d",
        "sequence_mask": "Masking",
        "spatial_dropout2d": "SpatialDropout2D Dropout2d",
        "silu": "swish SiLU",
        "resizing": "Resizing",
        "rms_norm": "RMSNorm RMSNormalization",
        "pad": "nn.CircularPad2d CircularPad2d ReplicationPad1d ReflectionPad3d",
        "log_softmax": "LogSoftmax",
        "gru": "GRUCell",
    },
    "losses": {
        "binary_cross_entropy": "BCEWithLogitsLoss BinaryCrossentropy BCELoss",
        "softmax_cross_entropy": "CrossEntropyLoss SparseCategoricalCrossentropy",
        "mse": "MSELoss nn.MSELoss",
        "mae": "L1Loss",
        "huber": "HuberLoss",
        "triplet": "TripletMarginLoss",
        "ctc": "CTCLoss",
    },
    "optimizers": {
        "adam": "Adam optim.Adam",
        "sgd": "SGD",
        "rmsprop": "RMSprop",
        "adafactor": "Adafactor",
        "radam": "RAdam RectifiedAdam",
    },
    "schedules": {
        "cosine": "CosineAnnealingLR CosineDecay",
        "step": "StepLR",
        "one_cycle": "OneCycleLR",
        "exponential": "ExponentialLR ExponentialDecay",
        "reduce_on_plateau": "ReduceLROnPlateau",
    },
    "metrics": {"auc": "AUROC", "f1": "F1Score", "r2": "r2_score"},
    "initializers": {"he_normal": "kaiming_normal_", "glorot_uniform": "xavier_uniform_"},
    "constraints": {"non_negative": "NonNeg"},
    "parametrizations": {
        "spectral_norm": "SpectralNorm SpectralNormalization keras.layers.SpectralNormalization",
        "weight_norm": "WeightNormalization nn.utils.parametrizations.weight_norm",
    },
    "transforms": {
        "standardize": "StandardScaler keras.layers.Normalization",
        "random_flip": "RandomHorizontalFlip transforms.RandomVerticalFlip RandomFlip",
        "random_crop": "RandomCrop",
        "mixup": "MixUp v2.MixUp",
        "cutmix": "CutMix",
        "random_rotate": "RandomRotation",
        "random_shift": "RandomTranslation",
        "random_erase": "RandomErasing",
        "random_brightness": "ColorJitter",
        "random_zoom": "keras.layers.RandomZoom",
    },
}
CASES = [
    (word, group, name)
    for group, names in FOREIGN.items()
    for name, words in names.items()
    for word in words.split()
]


INDEX = cache(lambda group: Index(registry.default(), GROUPS if group is None else (group,)))


def best(words, group=None):
    return [(info.entry.group, info.entry.name) for info in INDEX(group).find(words)]


@pytest.mark.parametrize(("word", "group", "name"), CASES)
def test_a_foreign_class_finds_the_type_that_does_the_same_first(word, group, name):
    assert best([word])[0] == (group, name)


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (["max", "pool"], "max_pool1d"),
        (["transposed", "convolution"], "conv1d_transpose"),
        (["normalise"], "batch_norm"),
        (["pooling"], "adaptive_avg_pool1d"),
        (["imbalanced"], None),
        (["sequence", "vector", "copies"], "repeat_vector"),
    ],
)
def test_words_of_descriptions_and_families_find_types(words, first):
    names = [name for _, name in best(words, "layers")]
    assert names[:1] == ([first] if first else [])


@pytest.mark.parametrize("word", ["conv2d;", "(conv2d)", '"Conv2D",', "`conv2d`"])
def test_punctuation_around_a_word_does_not_count(word):
    assert best([word, "-"]) == best([word.strip('"`;,()')])
    assert best([word])[0] == ("layers", "conv2d")


def test_every_word_must_be_found():
    assert best(["dropout", "sequence"]) != best(["dropout"])
    assert not best(["dropout", "zzzzz"])


def test_an_option_finds_the_types_that_have_it():
    assert {"adam", "sgd"} <= {name for _, name in best(["clip_norm"])}
    assert ("optimizers", "adam") in best(["beta1"]), "by its name in another framework"


@pytest.mark.parametrize("name", CLASS_NAMES)
def test_every_foreign_class_stands_for_a_type_that_exists(name):
    plugins = registry.default()
    assert any(entry.name == name for group in GROUPS for entry in plugins.entries(group))


@pytest.mark.parametrize(
    "words",
    [
        ["layers", "--search", "max", "pool"],
        ["layers", "--search", "max pool"],
        ["layers", "--search=max", "pool"],
        ["--json", "layers", "max", "--search", "pool"],
    ],
)
def test_words_may_be_given_in_every_form(tinynet, words):
    matches = tinynet(*words, *([] if "--json" in words else ["--json"])).json["matches"]
    assert "max_pool2d" in {match["name"] for match in matches[:6]}
    assert {"name", "group", "family", "description", "example"} <= matches[0].keys()


def test_results_name_their_kind(tinynet):
    out = tinynet("layers", "--search", "mse").out
    assert "(loss) Mean squared error" in out
    assert "(metric) Mean squared error" in out
    assert "(metric)" not in tinynet("layers", "--search", "mse", "--group", "losses").out


def test_no_match_names_the_closest(tinynet):
    result = tinynet("layers", "--search", "convv2d")
    assert result.code == 0
    near = "the closest names are: conv2d, conv3d, conv1d"
    assert result.out == f"nothing matches 'convv2d'; {near}\n"
    assert tinynet("layers", "--search", "zzzzzzz").out == "nothing matches 'zzzzzzz'\n"
    assert tinynet("layers", "--search", "convv2d", "--json").json == {
        "words": ["convv2d"], "matches": [], "suggestions": ["conv2d", "conv3d", "conv1d"]
    }  # fmt: skip


def test_a_terminal_shows_the_best_matches_and_the_number_of_the_others(tinynet, monkeypatch):
    everything = tinynet("layers", "--search", "mean").out.splitlines()
    monkeypatch.setattr(command, "result_is_terminal", lambda: True)
    *shown, rest = tinynet("layers", "--search", "mean").out.splitlines()
    assert len(shown) == command.MOST_MATCHES
    assert rest.startswith(f"and {len(everything) - len(shown)} more; ")


def test_two_names_without_search_are_2_and_the_suggested_command_works(tinynet):
    result = tinynet("layers", "max", "pool")
    assert result.code == 2
    suggested = " ".join(result.err.split()).partition("by words: tinynet ")[2]
    assert tinynet(*suggested.split()).code == 0


def test_a_broken_plugin_is_found_by_its_name_and_stops_nothing(forked, plugin):
    environment = plugin("import nothing_like_it")
    matches = forked("layers", "--search", "odd", "--json", env=environment).json["matches"]
    assert matches[0]["name"] == "odd"
    assert "ModuleNotFoundError" in matches[0]["error"]
