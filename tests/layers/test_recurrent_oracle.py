"""Recurrent layers that differ from PyTorch's would train another network than declared."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .recurrent_layers import STATES, build, randomize, run

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

DIRECTIONS = {"": "", "backward_": "_reverse"}
"""The beginning of a parameter's name, and the end of its name in PyTorch."""

LAYERS = {"simple_rnn": "RNN", "gru": "GRU", "lstm": "LSTM"}


def reordered(name, columns):
    """Exchange the first two gates of a GRU, which PyTorch has in the order r, z, h."""
    if name != "gru":
        return columns
    first, second, third = np.split(columns, 3, axis=-1)
    return np.concatenate([second, first, third], axis=-1)


def torch_module(name, layer, **options):
    """Return PyTorch's layer with the same parameters."""
    bidirectional = "backward_weight" in layer.params
    module = getattr(torch.nn, LAYERS[name])(
        *layer.params["weight"].shape[:1],
        *layer.params["recurrent_weight"].shape[:1],
        bias="bias" in layer.params,
        bidirectional=bidirectional,
        batch_first=True,
        dtype=torch.float64,
        **options,
    )
    with torch.no_grad():
        for prefix, suffix in list(DIRECTIONS.items())[: 1 + bidirectional]:
            for ours, theirs in (("weight", "weight_ih"), ("recurrent_weight", "weight_hh")):
                array = reordered(name, layer.params[prefix + ours])
                getattr(module, f"{theirs}_l0{suffix}").copy_(torch.tensor(array.T))
            if module.bias:
                bias = reordered(name, layer.params[f"{prefix}bias"])
                pair = bias if bias.ndim == 2 else (bias, np.zeros_like(bias))
                for theirs, array in zip(("bias_ih", "bias_hh"), pair, strict=True):
                    getattr(module, f"{theirs}_l0{suffix}").copy_(torch.tensor(array))
    return module


def torch_gradients(name, module):
    """Return the gradients of the parameters by the names of tinynet."""
    theirs = {key: value.grad.numpy() for key, value in module.named_parameters()}
    gradients = {}
    for prefix, suffix in list(DIRECTIONS.items())[: 1 + module.bidirectional]:
        gradients[f"{prefix}weight"] = theirs[f"weight_ih_l0{suffix}"].T
        gradients[f"{prefix}recurrent_weight"] = theirs[f"weight_hh_l0{suffix}"].T
        if module.bias:
            pair = [theirs[f"bias_{kind}_l0{suffix}"] for kind in ("ih", "hh")]
            gradients[f"{prefix}bias"] = np.stack(pair) if name == "gru" else pair[0]
    return {key: reordered(name, gradient) for key, gradient in gradients.items()}


def torch_outputs(name, module, x, lengths, initial, return_sequences):
    """Return the output, and the states in tinynet's order."""
    samples, steps, _ = x.shape
    if lengths is not None:
        x = torch.nn.utils.rnn.pack_padded_sequence(
            x, torch.tensor(lengths), batch_first=True, enforce_sorted=False
        )
    kinds = len(STATES[name])
    given_states = None
    if initial:
        stacked = [torch.stack(initial[kind::kinds]) for kind in range(kinds)]
        given_states = tuple(stacked) if kinds > 1 else stacked[0]
    y, last = module(x, given_states)
    last = last if kinds > 1 else (last,)
    if lengths is not None:
        y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, batch_first=True, total_length=steps)
    if not return_sequences:
        y = last[0].movedim(0, 1).reshape(samples, -1)
    return y, *(last[kind][direction] for direction in range(len(last[0])) for kind in range(kinds))


@pytest.mark.parametrize(
    ("name", "options", "torch_options"),
    [
        ("simple_rnn", {}, {}),
        ("simple_rnn", {"activation": "relu"}, {"nonlinearity": "relu"}),
        ("gru", {}, {}),
        ("lstm", {}, {}),
    ],
)
@settings(max_examples=150, deadline=None)
@given(
    size=st.tuples(*(st.integers(1, 6) for _ in "NTCU")),
    masked=st.booleans(),
    bidirectional=st.booleans(),
    initial_state=st.booleans(),
    return_sequences=st.booleans(),
    use_bias=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_outputs_states_and_gradients_agree_with_torch(
    name, options, torch_options,
    size, masked, bidirectional, initial_state, return_sequences, use_bias, seed,
):  # fmt: skip
    rng = np.random.default_rng(seed)
    samples, steps, channels, units = size
    count = len(STATES[name]) * (1 + bidirectional)
    states = [rng.standard_normal((samples, units)) for _ in range(count * initial_state)]
    x, mask, lengths = rng.standard_normal((samples, steps, channels)), [], None
    if masked:
        lengths = rng.integers(1, steps + 1, samples)
        mask = [(np.arange(steps) < lengths[:, None]).astype(np.float64)]
    inputs = [x, *mask, *states]
    layer = build(
        name,
        *(array.shape[1:] for array in inputs),
        units=units,
        bidirectional=bidirectional,
        initial_state=initial_state,
        return_sequences=return_sequences,
        return_state=True,
        use_bias=use_bias,
        **options,
    )
    randomize(layer, rng)
    dy = [rng.standard_normal((samples, *shape)) for shape in layer.out_shapes.values()]
    if masked and return_sequences:
        dy[0] *= mask[0][..., None]  # The outputs of PyTorch after the end are constant.
    outputs, dinputs, dparams = run(layer, inputs, dy)

    module = torch_module(name, layer, **torch_options)
    leaves = [torch.tensor(array, requires_grad=True) for array in (x, *states)]
    expected = torch_outputs(name, module, leaves[0], lengths, leaves[1:], return_sequences)
    torch.autograd.backward(expected, [torch.tensor(d) for d in dy])
    if masked and return_sequences:
        outputs = (outputs[0] * mask[0][..., None], *outputs[1:])
    assert len(outputs) == len(expected)
    actual = dict(zip(layer.out_shapes, outputs, strict=True))
    actual |= {f"gradient of {key}": gradient for key, gradient in dparams.items()}
    right = dict(zip(layer.out_shapes, (y.detach().numpy() for y in expected), strict=True))
    right |= {f"gradient of {key}": g for key, g in torch_gradients(name, module).items()}
    if masked:
        assert not dinputs[1].any()
    dinputs = (dinputs[0], *dinputs[1 + masked :])
    actual |= {f"gradient of input {i}": gradient for i, gradient in enumerate(dinputs)}
    right |= {f"gradient of input {i}": leaf.grad.numpy() for i, leaf in enumerate(leaves)}
    assert actual.keys() == right.keys()
    for key, array in actual.items():
        np.testing.assert_allclose(array, right[key], rtol=1e-9, atol=1e-12, err_msg=key)
