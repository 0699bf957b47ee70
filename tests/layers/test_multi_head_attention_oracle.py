"""Attention that differs from PyTorch's would train another network than declared."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinynet.registry
from tinynet.builtin.layers.multi_head_attention import MultiHeadAttention
from tinynet.layer import Build, Context

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

SIZES = st.integers(1, 5)
LENGTHS = st.one_of(st.integers(1, 9), st.integers(30, 70))


def new_layer(options, in_shapes, rng):
    build = Build(dtype=np.dtype(np.float64), create=tinynet.registry.default().create)
    layer = MultiHeadAttention(MultiHeadAttention.Config(**options), in_shapes, build)
    for param in layer.params.values():
        param[...] = rng.standard_normal(param.shape)
    return layer


def rotated(x, base):
    """Rotate (N, H, T, D) as complex numbers."""
    pairs = x.shape[-1] // 2
    frequencies = base ** (-torch.arange(pairs).double() / pairs)
    turns = torch.arange(x.shape[2]).double()[:, None] * frequencies
    numbers = torch.complex(x[..., :pairs], x[..., pairs:])
    numbers = numbers * torch.polar(torch.ones_like(turns), turns)
    return torch.cat([numbers.real, numbers.imag], dim=-1)


def expected(options, params, x, source, mask, factors):
    """Return the output of the same layer, composed of PyTorch's functions."""

    def project(name, rows):
        weight, bias = params[f"{name}_weight"], params.get(f"{name}_bias")
        return torch.nn.functional.linear(rows, weight.T, bias)

    heads = options["num_heads"]
    groups = options["num_key_value_heads"]
    query, key, value = (
        project(name, rows).unflatten(-1, (count, -1)).transpose(1, 2)
        for name, rows, count in (
            ("query", x, heads),
            ("key", source, groups),
            ("value", source, groups),
        )
    )
    if options["rotary"]:
        query, key = rotated(query, options["rotary_base"]), rotated(key, options["rotary_base"])
    key, value = (rows.repeat_interleave(heads // groups, dim=1) for rows in (key, value))
    allowed = torch.ones(len(x), 1, x.shape[1], source.shape[1], dtype=torch.bool)
    if mask is not None:
        allowed = allowed & (mask[:, None] if mask.ndim == 3 else mask[:, None, None]).bool()
    if options["causal"]:
        allowed = allowed.tril()
    empty = ~allowed.any(dim=-1, keepdim=True)  # PyTorch would give NaN there
    scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    weights = scores.masked_fill(~(allowed | empty), -torch.inf).softmax(dim=-1)
    weights = weights.masked_fill(empty, 0)
    if factors is not None:
        weights = weights * factors
    return project("output", (weights @ value).transpose(1, 2).flatten(2))


@settings(max_examples=300, deadline=None)
@given(
    samples=st.integers(1, 3),
    steps=LENGTHS,
    length=LENGTHS,
    channels=SIZES,
    features=SIZES,
    groups=st.integers(1, 3),
    shared=st.integers(1, 2),
    pairs=st.integers(1, 2),
    value_dim=SIZES,
    output_dim=SIZES,
    cross=st.booleans(),
    masked=st.sampled_from([0, 1, 2]),
    causal=st.booleans(),
    rotary=st.booleans(),
    use_bias=st.booleans(),
    dropout=st.sampled_from([0.0, 0.0, 0.3]),
    offset=st.sampled_from([0, 0, 300]),
    seed=st.integers(0, 2**32 - 1),
)
def test_values_and_gradients_agree_with_torch(
    samples, steps, length, channels, features, groups, shared, pairs, value_dim, output_dim,
    cross, masked, causal, rotary, use_bias, dropout, offset, seed,
):  # fmt: skip
    rng = np.random.default_rng(seed)
    options = {
        "num_heads": groups * shared,
        "num_key_value_heads": groups,
        "key_dim": 2 * pairs,
        "value_dim": value_dim,
        "output_dim": output_dim,
        "causal": causal,
        "rotary": rotary,
        "rotary_base": 100.0 if rotary else 10_000.0,
        "use_bias": use_bias,
        "dropout": dropout,
    }
    if not cross:
        length, masked = steps, min(masked, 1)
    in_shapes = [(steps, channels), *([(length, features)] * cross)]
    sequences = [rng.standard_normal((samples, *shape)) for shape in in_shapes]
    inputs, mask = list(sequences), None
    if masked:
        shape = (length,) if masked == 1 else (steps, length)
        mask = (rng.random((samples, *shape)) < 0.6).astype(np.float64)
        in_shapes.append(shape)
        inputs.append(mask)
    layer = new_layer(options, tuple(in_shapes), rng)
    if use_bias and not rotary:
        # It adds the same to all scores of a query: the softmax stays, but exp(score) overflows.
        layer.params["key_bias"] += offset
    ctx = Context(training=True, seed=seed)
    y, cache = layer.forward(ctx, *inputs)
    dy = rng.standard_normal(y.shape)
    of_inputs, grads = layer.backward(ctx, cache, dy)

    factors = None
    if dropout:
        drawn = Context(training=True, seed=seed).rng.random(
            (samples, groups * shared, steps, length), np.float32
        )
        factors = torch.tensor((drawn >= dropout) / (1 - dropout))
    params = {name: torch.tensor(p, requires_grad=True) for name, p in layer.params.items()}
    tensors = [torch.tensor(x, requires_grad=True) for x in sequences]
    tensor_mask = None if mask is None else torch.tensor(mask)
    result = expected(options, params, tensors[0], tensors[-1], tensor_mask, factors)
    result.backward(torch.tensor(dy))

    compare("y", y, result.detach())
    for number, tensor in enumerate(tensors):
        compare(f"input {number}", of_inputs[number], tensor.grad)
    assert grads.keys() == params.keys()
    for name, tensor in params.items():
        compare(name, grads[name], tensor.grad)


def compare(name, actual, desired):
    scale = max(1.0, float(desired.abs().max()))
    np.testing.assert_allclose(
        actual / scale, desired.numpy() / scale, rtol=1e-9, atol=1e-11, err_msg=name
    )


@settings(max_examples=100, deadline=None)
@given(
    samples=st.integers(1, 3),
    steps=LENGTHS,
    length=LENGTHS,
    heads=st.integers(1, 3),
    size=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_multihead_attention_of_torch_agrees(samples, steps, length, heads, size, seed):
    """The layer of the same name, with its own weights and its own padding mask."""
    rng = np.random.default_rng(seed)
    channels, features = heads * size, heads * size + 1
    layer = new_layer({"num_heads": heads}, ((steps, channels), (length, features), (length,)), rng)
    x, source = (
        rng.standard_normal((samples, steps, channels)),
        rng.standard_normal((samples, length, features)),
    )
    mask = (rng.random((samples, length)) < 0.6).astype(np.float64)
    mask[:, 0] = 1
    theirs = torch.nn.MultiheadAttention(
        channels, heads, kdim=features, vdim=features, batch_first=True, dtype=torch.float64
    )
    params = {name: torch.tensor(param) for name, param in layer.params.items()}
    with torch.no_grad():
        theirs.q_proj_weight[...] = params["query_weight"].T
        theirs.k_proj_weight[...] = params["key_weight"].T
        theirs.v_proj_weight[...] = params["value_weight"].T
        theirs.out_proj.weight[...] = params["output_weight"].T
        theirs.out_proj.bias[...] = params["output_bias"]
        names = ("query_bias", "key_bias", "value_bias")
        theirs.in_proj_bias[...] = torch.cat([params[name] for name in names])
    rows = torch.tensor(source)
    hidden = torch.tensor(mask == 0)
    y, _ = theirs(torch.tensor(x), rows, rows, key_padding_mask=hidden)
    actual, _ = layer.forward(Context(), x, source, mask)
    np.testing.assert_allclose(actual, y.detach().numpy(), rtol=1e-9, atol=1e-10)
