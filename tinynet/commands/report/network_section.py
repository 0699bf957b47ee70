"""The layers of a network, its first filters, and the magnitude of its parameters."""

import numpy as np

from tinynet.commands.report.attention import attention_maps
from tinynet.commands.report.charts import Cell, Fact, Picture, Table
from tinynet.commands.report.content import NetworkSection
from tinynet.commands.report.png import picture
from tinynet.dataset import Batch
from tinynet.network.network import Network
from tinynet.network.summary import Summary, shape_text
from tinynet.prediction.model import Model
from tinynet.types import Array

MAX_LAYERS = 300
"""Nodes of the table of layers."""

MAX_FILTERS = 64
"""Filters that are shown."""

_LEAST_SIDE = 3
_ENLARGED = 8


def network_section(model: Model, sample: tuple[Batch, Batch] | None) -> NetworkSection:
    """Return the network.

    Args:
        model: The model.
        sample: A sample of the evaluated split, preprocessed and raw; None without data.
    """
    network, summary = model.network, model.summary()
    filters, filters_of = first_filters(network)
    attention, attention_of = attention_maps(model, *sample) if sample is not None else ((), "")
    return NetworkSection(
        _facts(summary),
        _layers(summary),
        filters,
        filters_of,
        attention,
        attention_of,
        _weights(network),
    )


def _facts(summary: Summary) -> tuple[Fact, ...]:
    frozen = summary.params - summary.trainable_params
    note = f", {frozen:,} of them not trained" if frozen else ""
    return (
        Fact("Input", summary.inputs_text),
        Fact("Parameters", f"{summary.params:,}{note} ({bytes_text(summary.param_bytes)})"),
        Fact("Type of numbers", summary.dtype),
        Fact("Operations", f"{summary.operations:,} for a sample, forward"),
        Fact("Activations", f"{bytes_text(summary.activation_bytes)} for a sample"),
    )


def bytes_text(number: int) -> str:
    """Return a number of bytes in words: ``1.4 MiB``."""
    size, units = float(number), ["bytes", "KiB", "MiB", "GiB", "TiB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        units.pop(0)
    return f"{size:,.0f} {units[0]}" if units[0] == "bytes" else f"{size:,.1f} {units[0]}"


def _layers(summary: Summary) -> Table:
    params, operations = max(summary.params, 1), max(summary.operations, 1)
    rows: list[tuple[Cell, ...]] = [
        (
            row.name,
            row.type,
            ", ".join(row.inputs),
            shape_text(row.out_shape),
            row.params,
            row.params / params,
            row.operations,
            row.operations / operations,
        )
        for row in summary.rows[:MAX_LAYERS]
    ]
    total: tuple[Cell, ...] = (
        "total", "", "", "", summary.params, None, summary.operations, None
    )  # fmt: skip
    head = (
        "node",
        "type",
        "inputs",
        "output",
        "parameters",
        "share of parameters",
        "operations",
        "share of operations",
    )
    shares = frozenset({"share of parameters", "share of operations"})
    left_out = max(len(summary.rows) - MAX_LAYERS, 0)
    return Table(head, (*rows, total), "Layers", left_out=left_out, shares=shares, totals=1)


def first_filters(network: Network) -> tuple[tuple[Picture, ...], str]:
    """Return the filters of the first convolution of an image, and their address.

    Filters of one channel are gray; those of three channels are colors; of others, the mean over
    the channels is shown.
    """
    for node in network.nodes.values():
        weight = node.own_params.get("weight")
        takes_image = any(source.partition(":")[0] == "input" for source in node.inputs)
        if weight is None or weight.ndim != 4 or not takes_image:
            continue
        if min(weight.shape[:2]) >= _LEAST_SIDE:
            pictures = tuple(
                picture(pixels, f"filter {number}", str(number))
                for number, pixels in enumerate(_filter_pixels(weight), 1)
            )
            return pictures, node.address("weight")
    return (), ""


def _filter_pixels(weight: Array) -> list[Array]:
    """Return filters (H, W, C, F) as images, enlarged; zero is medium gray."""
    channels = weight.shape[2]
    kernel = weight if channels in (1, 3) else weight.mean(axis=2, keepdims=True)
    kernel = kernel[..., :MAX_FILTERS]
    largest = float(np.abs(kernel).max()) or 1.0
    levels = np.round(127.5 + kernel * (127.5 / largest)).astype(np.uint8)
    scale = max(1, _ENLARGED // max(kernel.shape[:2]))
    enlarged = levels.repeat(scale, axis=0).repeat(scale, axis=1)
    return [enlarged[..., f] for f in range(kernel.shape[3])]


def _weights(network: Network) -> Table | None:
    """Return the magnitude of every parameter."""
    rows: list[tuple[Cell, ...]] = []
    for address, array in network.params.items():
        values = array.astype(np.float64, copy=False)
        numbers = (values.mean(), values.std(), values.min(), values.max())
        cells = (float(n) if np.isfinite(n) else None for n in numbers)
        zeros = float(np.mean(values == 0))
        rows.append((address, shape_text(array.shape), array.size, *cells, zeros))
    if not rows:
        return None
    head = (
        "parameter",
        "shape",
        "numbers",
        "mean",
        "standard deviation",
        "smallest",
        "largest",
        "share of zeros",
    )
    return Table(
        head,
        tuple(rows[:MAX_LAYERS]),
        "Parameters",
        left_out=max(len(rows) - MAX_LAYERS, 0),
        shares=frozenset({"share of zeros"}),
    )
