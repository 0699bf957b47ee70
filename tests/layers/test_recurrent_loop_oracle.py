"""Recurrent layers against a plain loop in PyTorch, for the options that PyTorch does not have."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.layer.context import Context

from .recurrent_layers import STATES, build, randomize, run

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

MERGED = {
    "concat": lambda a, b: torch.cat([a, b], dim=-1),
    "sum": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "ave": lambda a, b: (a + b) / 2,
}


def simple_rnn_step(x, read, states, params, options):
    weight, recurrent, bias = params
    activation = {"tanh": torch.tanh, "relu": torch.relu}[options.get("activation", "tanh")]
    return (activation(x @ weight + read @ recurrent + bias),)


def gru_step(x, read, states, params, options):
    (w_z, w_r, w_h), (r_z, r_r, r_h) = (p.chunk(3, dim=1) for p in params[:2])
    after = options.get("reset_after", True)
    biases = params[2].reshape(-1, 3, w_z.shape[1])
    b_z, b_r = biases.sum(dim=0)[:2]
    z = torch.sigmoid(x @ w_z + read @ r_z + b_z)
    r = torch.sigmoid(x @ w_r + read @ r_r + b_r)
    inner = r * (read @ r_h + biases[1, 2]) if after else (r * read) @ r_h
    h = torch.tanh(x @ w_h + inner + biases[0, 2])
    return (z * states[0] + (1 - z) * h,)


def lstm_step(x, read, states, params, options):
    weight, recurrent, bias = params
    i, f, c, o = (x @ weight + read @ recurrent + bias).chunk(4, dim=1)
    cell = torch.sigmoid(f) * states[1] + torch.sigmoid(i) * torch.tanh(c)
    return torch.sigmoid(o) * torch.tanh(cell), cell


STEPS = {"simple_rnn": simple_rnn_step, "gru": gru_step, "lstm": lstm_step}


def loop(name, params, x, mask, states, factors, options):
    """Return the outputs of all steps and the last states, in one direction."""
    outputs = []
    for t in range(x.shape[1]):
        new = STEPS[name](x[:, t] * factors[0], states[0] * factors[1], states, params, options)
        counts = mask[:, t, None] == 1
        states = tuple(torch.where(counts, b, a) for a, b in zip(states, new, strict=True))
        outputs.append(states[0])
    return torch.stack(outputs, dim=1), states


def expected_outputs(name, params, x, mask, initial, factors, options):
    """Return all outputs of a layer with ``return_state``."""
    if options["go_backwards"]:
        x, mask = x.flip(1), mask.flip(1)
    kinds = len(STATES[name])
    parts, finals = [], []
    for index, prefix in enumerate(("", "backward_")[: 1 + options["bidirectional"]]):
        own = [params[prefix + key] for key in ("weight", "recurrent_weight", "bias")]
        states = initial[index * kinds : (index + 1) * kinds]
        sequence, counts = (x.flip(1), mask.flip(1)) if index else (x, mask)
        y, last = loop(name, own, sequence, counts, states, factors[index], options)
        if options["return_sequences"]:
            parts.append(y.flip(1) if index else y)
        else:
            parts.append(last[0])
        finals += last
    y = MERGED[options["merge_mode"]](*parts) if options["bidirectional"] else parts[0]
    return y, *finals


def drawn_factors(options, samples, channels, units):
    """Return the factors of input and state in each direction, as dropout draws them."""
    rng, factors = Context(training=True).rng, []
    for _ in range(1 + options["bidirectional"]):
        pair = []
        for rate, size in ((options["dropout"], channels), (options["recurrent_dropout"], units)):
            draws = rng.random((samples, size), dtype=np.float32) if rate else np.ones(1)
            pair.append(torch.tensor((draws >= rate) / (1 - rate)))
        factors.append(pair)
    return factors


@pytest.mark.parametrize(
    ("name", "convention"),
    [
        ("simple_rnn", {}),
        ("simple_rnn", {"activation": "relu"}),
        ("gru", {"reset_after": True}),
        ("gru", {"reset_after": False}),
        ("lstm", {}),
    ],
)
@settings(max_examples=150, deadline=None)
@given(
    size=st.tuples(*(st.integers(1, 5) for _ in "NTCU")),
    options=st.fixed_dictionaries(
        {
            "go_backwards": st.booleans(),
            "return_sequences": st.booleans(),
            "dropout": st.sampled_from([0.0, 0.3]),
            "recurrent_dropout": st.sampled_from([0.0, 0.4]),
        }
    ),
    merge_mode=st.sampled_from([None, *MERGED]),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_option_agrees_with_a_plain_loop(name, convention, size, options, merge_mode, seed):
    """With masks that have gaps, and a gradient of every output."""
    rng = np.random.default_rng(seed)
    samples, steps, channels, units = size
    options = {
        **options,
        **convention,
        "bidirectional": merge_mode is not None,
        "merge_mode": merge_mode or "concat",
    }
    count = len(STATES[name]) * (1 + options["bidirectional"])
    states = [rng.standard_normal((samples, units)) for _ in range(count)]
    x, mask = rng.standard_normal((samples, steps, channels)), rng.integers(2, size=size[:2])
    inputs = [x, mask.astype(np.float64), *states]
    layer = build(
        name,
        *(array.shape[1:] for array in inputs),
        units=units,
        initial_state=True,
        return_state=True,
        **options,
    )
    randomize(layer, rng)
    dy = [rng.standard_normal((samples, *shape)) for shape in layer.out_shapes.values()]
    outputs, dinputs, dparams = run(layer, inputs, dy)

    leaves = [torch.tensor(array, requires_grad=True) for array in (x, *states)]
    params = {key: torch.tensor(p, requires_grad=True) for key, p in layer.params.items()}
    factors = drawn_factors(options, samples, channels, units)
    expected = expected_outputs(
        name, params, leaves[0], torch.tensor(mask), leaves[1:], factors, options
    )
    torch.autograd.backward(expected, [torch.tensor(d) for d in dy])
    pairs = [(y, right.detach()) for y, right in zip(outputs, expected, strict=True)]
    pairs += [
        (gradient, leaf.grad)
        for gradient, leaf in zip((dinputs[0], *dinputs[2:]), leaves, strict=True)
    ]
    pairs += [(dparams[key], param.grad) for key, param in params.items()]
    assert dparams.keys() == params.keys()
    assert not dinputs[1].any()
    for actual, right in pairs:
        right = np.zeros_like(actual) if right is None else right.numpy()
        np.testing.assert_allclose(actual, right, rtol=1e-9, atol=1e-12)
