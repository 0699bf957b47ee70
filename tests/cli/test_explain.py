"""`tinynet explain`: a type, an option of it, or a key of a spec."""

import pytest

from tinynet import registry
from tinynet.commands.catalog.explain import explain, spec_paths


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def only(result):
    (match,) = result.json["matches"]
    return match


def test_an_option_of_a_type(tinynet):
    lines = tinynet("explain", "adam.beta_1").out.splitlines()
    assert lines == [
        "adam.beta_1, an option of the optimizer adam (tinynet-core 0.1.0)",
        "",
        "  type     number >= 0 and < 1",
        "  range    at least 0 and less than 1",
        "  default  0.9",
        "",
        "Share of the mean gradient kept at each step.",
    ]


def test_a_required_option_and_allowed_values(tinynet):
    assert "  default  none; it is required" in tinynet("explain", "conv2d.filters").out
    match = only(tinynet("explain", "mse.average_over", "--json"))
    assert match["allowed"] == ["samples", "positions"]
    assert match["default"] == '"samples"'
    assert match["kind"] == "option"
    assert match["types"] == [{"group": "losses", "name": "tinynet-core:mse"}]
    text = tinynet("explain", "mse.average_over").out
    assert '  allowed  "samples", "positions"\n' in text


def test_a_type_is_shown_as_by_layers(tinynet):
    assert tinynet("explain", "conv2d").out == tinynet("layers", "conv2d").out
    match = only(tinynet("explain", "conv2d", "--json"))
    assert match["example"] == {"type": "conv2d", "filters": 16, "kernel_size": 3}
    assert match["parameters"][0]["name"] == "filters"


def test_a_part_of_a_spec_lists_its_keys(tinynet):
    text = tinynet("explain", "training.early_stopping").out
    assert text.startswith("training.early_stopping, a key of a spec\n")
    assert "  patience: integer >= 1 = 5\n      Evaluations without" in text
    match = only(tinynet("explain", "data.split", "--json"))
    assert {"validation", "stratify"} <= {key["name"] for key in match["keys"]}


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("network.blocks", {"params", "inputs", "layers"}),
        ("network.blocks.residual", {"params", "inputs", "layers"}),
        ("network.layers", {"type", "name", "inputs", "shares", "repeat"}),
        ("training.metrics", {"type", "name", "output"}),
        ("training.average", {"type", "decay", "start_step"}),
        ("training.checkpoint", {"keep_best", "keep_last"}),
        ("vars", set()),
    ],
)
def test_lists_and_objects_with_free_names_show_the_keys_of_each(tinynet, path, keys):
    match = only(tinynet("explain", path, "--json"))
    assert match["kind"] == "key"
    assert keys <= {key["name"] for key in match["keys"]}


def test_an_option_at_a_place_of_a_spec_is_that_of_the_types_there(tinynet):
    match = only(tinynet("explain", "training.optimizer.clip_norm", "--json"))
    assert len(match["types"]) == len(registry.default().entries("optimizers"))
    smoothing = tinynet("explain", "training.loss.label_smoothing", "--json").json["matches"]
    assert len(smoothing) == 2, "two descriptions, each with the losses that have it"
    weight = only(tinynet("explain", "training.loss.kind.weight", "--json"))
    assert weight["kind"] == "key"


@pytest.mark.parametrize(
    ("path", "same"),
    [
        ("network.layers.conv2d_1.filters", "conv2d.filters"),
        ("network.layers.0.trainable", "network.layers.trainable"),
        ("training.optimizer.adam.beta_1", "adam.beta_1"),
        ("tinynet-core:conv2d.filters", "conv2d.filters"),
        ("conv2d.weight_initializer.orthogonal.gain", "orthogonal.gain"),
    ],
)
def testspec_paths_as_people_write_them_lead_to_the_same(tinynet, path, same):
    first, second = (tinynet("explain", name, "--json").json["matches"] for name in (path, same))
    assert first[0]["description"] == second[0]["description"]
    assert first[0]["type"] == second[0]["type"]


def test_a_name_of_several_kinds_is_explained_for_each(tinynet):
    matches = tinynet("explain", "cosine_similarity", "--json").json["matches"]
    assert [match["group"] for match in matches] == ["layers", "losses"]
    out = tinynet("explain", "cosine_similarity").out
    assert out.count("cosine_similarity, of tinynet-core 0.1.0\n") == 2
    match = only(tinynet("explain", "cosine_similarity", "--group", "loss", "--json"))
    assert match["group"] == "losses"


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("conv2", "conv2d"),
        ("Conv2DTranspose", "conv2d_transpose"),
        ("conv2d.paddin", "conv2d.padding"),
        ("adam.betas", "adam.beta_1"),
        ("training.early_stoping", "training.early_stopping"),
        ("training.optimizer.clip_nrm", "training.optimizer.clip_norm"),
        ("data.splitt", "data.split"),
        ("keep_bst", "keep_best"),
        ("stratfy", "stratify"),
        ("clip_norm", "adadelta.clip_norm"),
    ],
)
def test_an_unknown_name_is_2_and_the_suggested_one_exists(tinynet, name, suggested):
    result = tinynet("explain", name)
    assert result.code == 2
    assert result.err.rstrip("\n").endswith(f"; did you mean {suggested}?")
    assert tinynet("explain", suggested).code == 0


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("keep_best", "training.checkpoint.keep_best"),
        ("stratify", "data.split.stratify"),
        ("shares", "network.layers.shares"),
        ("comment", "comment"),
    ],
)
def test_a_key_is_explained_by_its_last_name(tinynet, key, path):
    assert path in [match["path"] for match in tinynet("explain", key, "--json").json["matches"]]


def test_the_type_of_an_object_with_rules_for_its_keys_is_object(tinynet):
    assert only(tinynet("explain", "training", "--json"))["type"] == "object"


def test_names_without_a_near_one(tinynet):
    assert tinynet("explain", "zzzzz").err == (
        "error: there is no type or key of a spec 'zzzzz';"
        " to search: tinynet layers --search zzzzz\n"
    )
    assert "; available: " in tinynet("explain", "conv2d.zzzzz").err
    assert tinynet("explain", "relu.zzzzz").err == (
        "error: the layer 'relu' has no 'zzzzz'; available: inputs, name, regularizer, repeat,"
        " shares, trainable\n"
    )
    assert tinynet("explain", "adam", "--group", "losses").err == (
        "error: there is no loss 'adam', only the optimizer of that name; leave out --group\n"
    )
    failed = tinynet("explain", "conv2", "--json")
    assert failed.json["error"]["type"] == "UnknownNameError"


@pytest.mark.parametrize("name", ["", " ", "conv2d.", ".padding", "data..split"])
def test_an_empty_part_of_a_name_is_bad_usage(tinynet, name):
    result = tinynet("explain", name)
    assert result.code == 2
    assert result.err == (
        f"error: {name!r} is not a name; give a type, an option of it, or a key of a spec, such"
        " as: tinynet explain conv2d.padding\n"
    )


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("dense.name", "network.layers.name"),
        ("conv2d.trainable", "network.layers.trainable"),
        ("weight_norm.params", "network.parametrizations.params"),
        ("l2.params", "training.regularizers.params"),
        ("mse.weight", "training.loss.kind.weight"),
        ("accuracy.name", "training.metrics.name"),
        ("adam.groups", "training.optimizer.groups"),
    ],
)
def test_keys_of_every_entry_are_explained_for_each_type(tinynet, name, path):
    match, key = (only(tinynet("explain", one, "--json")) for one in (name, path))
    assert match["path"] == name
    assert match["types"]
    assert match["description"] == key["description"]


def test_every_path_of_a_spec_is_explained():
    paths = dict(spec_paths())
    assert {"training.optimizer.groups.rate_factor", "network.blocks.layers"} & paths.keys()
    for path in paths:
        assert explain(registry.default(), path), path


def test_every_text_fits_a_narrow_terminal(tinynet):
    for name in ("conv2d", "lstm", "adam", "softmax_cross_entropy", "data.split", "conv1d.padding"):
        lines = tinynet("explain", name).out.splitlines()
        assert max(map(len, lines)) <= 80, name


def test_a_broken_plugin_is_explained_as_broken(forked, plugin):
    environment = plugin("import nothing_like_it")
    result = forked("explain", "odd", env=environment)
    assert result.code == 0
    assert "broken: " in result.out
