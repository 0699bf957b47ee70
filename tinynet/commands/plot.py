"""Pictures of the curves of runs, drawn by matplotlib."""

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinynet.commands.runs.curves import RATE, Axis, Curve, Panel, panels, smoothed, undrawn
from tinynet.commands.runs.entries import RunEntry, entries_of
from tinynet.errors import CheckpointIOError, UsageError, explaining_io
from tinynet.extras import importing
from tinynet.files.atomic import replacing_output
from tinynet.text.printing import cut_middle, printable

FORMATS = (".png", ".svg", ".pdf")

_AXES = {"epoch": "epoch", "step": "step", "time": "seconds of training"}
_STYLES = {"val": "-", "train": "--"}
_MAX_NAME = 40
_MAX_NAMES = 40
_RASTER_DPI = 150


@dataclass(frozen=True)
class Plot:
    """A picture that was written.

    Attributes:
        path: The file.
        runs: The runs in it.
        figures: The titles of its panels.
        problems: A line for each fault of a run's folder.
        left_out: The titles of further panels, which would be too many.
    """

    path: Path
    runs: list[Path]
    figures: list[str]
    problems: list[str]
    left_out: list[str]


def plot_runs(
    paths: Sequence[str | Path],
    output: str | Path = "curves.png",
    *,
    axis: Axis = "epoch",
    metrics: Sequence[str] = (),
    log: bool = False,
    smooth: float = 0.0,
) -> Plot:
    """Draw the losses, the metrics and the learning rates of runs, one above the other.

    Args:
        paths: Runs, or folders of runs.
        output: The file to write: .png, .svg or .pdf.
        axis: The horizontal axis: epochs, steps, or seconds of training.
        metrics: Figures to show: ``loss`` (of both splits), ``val/accuracy``, ``learning_rate``;
            by default all.
        log: True for a logarithmic axis of losses and learning rates.
        smooth: The weight of the past in a moving average, at least 0 and less than 1; the curves
            themselves are then drawn thin.

    Raises:
        UsageError: for another format, and for a figure that no run has.
        CheckpointError: for a path that is not a run, if no run can be read, and if the file cannot
            be written.
        MissingPackageError: if matplotlib is not installed.
    """
    file = Path(output)
    if file.suffix.lower() not in FORMATS:
        raise UsageError(f"the format of {str(file)!r} is unknown; name a .png, .svg or .pdf file")
    entries = entries_of(paths)
    readable = [entry for entry in entries if entry.record is not None]
    found = panels(readable, axis, metrics)
    if not found:
        names = ", ".join(entry.name for entry in readable)
        raise CheckpointIOError(f"there is nothing to draw: no evaluation is logged in {names}")
    with importing("plot", "tinynet plot"):
        import matplotlib
    options = {"svg.hashsalt": "tinynet", "axes.formatter.use_mathtext": False}
    with warnings.catch_warnings(), matplotlib.rc_context(options):
        # Names in scripts that the font lacks are drawn as boxes.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        content = _picture(readable, found, axis, log, smooth, file.suffix.lower())
    with explaining_io(file), replacing_output(file) as write_at:
        write_at(0, content)
    problems = [f"{entry.name}: {text}" for entry in entries for text in entry.problems]
    titles, left_out = [panel.title for panel in found], undrawn(readable, metrics)
    return Plot(file, [e.path for e in readable], titles, problems, left_out)


def _picture(
    entries: Sequence[RunEntry],
    found: Sequence[Panel],
    axis: Axis,
    log: bool,
    smooth: float,
    suffix: str,
) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    columns = 1 if len(found) == 1 else 2
    rows = -(-len(found) // columns)
    names = legend_names(entries)
    across = max(1, min(6, int(75 * columns / (max(map(len, names)) + 8))))
    below = 0.2 * -(-(len(names) + 3) // across) + 0.3
    figure = Figure(figsize=(6.2 * columns, 3.3 * rows + below), layout="constrained")
    FigureCanvasAgg(figure)
    colors, alone = run_colors(len(entries)), len(entries) == 1
    for index, panel in enumerate(found, 1):
        axes = figure.add_subplot(rows, columns, index)
        has_validation = any(curve.name.startswith("val/") for curve in panel.curves)
        for curve in panel.curves:
            color = _split_color(curve) if alone else colors[curve.run]
            _draw(axes, curve, color, smooth, alone, has_validation)
        axes.set_title(_label(panel.title), parse_math=False, fontsize=11, loc="left")
        axes.set_xlabel(_AXES[axis])
        if axis != "time":
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(True, color="0.9", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        if log and (panel.is_loss or panel.title == RATE) and _is_positive(panel):
            axes.set_yscale("log")
        elif panel.title == RATE:
            axes.set_ylim(bottom=0)
    _add_legend(figure, entries, found, colors, across)
    stream = io.BytesIO()
    metadata = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}[suffix]
    figure.savefig(stream, format=suffix[1:], dpi=_RASTER_DPI, metadata=metadata)
    return stream.getvalue()


def _draw(
    axes: Any, curve: Curve, color: Any, smooth: float, alone: bool, has_validation: bool
) -> None:
    """Draw a curve, and a dot at the best evaluation of its run."""
    style = _STYLES.get(curve.name.partition("/")[0], "-")
    of_steps, secondary = curve.name == "loss", curve.name.startswith("train/") and not alone
    width = 0.8 if of_steps else 1.1 if secondary else 1.6
    few = len(curve.x) == 1
    lines = [(curve.y, 1.0)]
    if smooth and curve.name != RATE:
        lines = [(curve.y, 0.25), (smoothed(curve.y, smooth), 1.0)]
    for values, alpha in lines:
        y = [float("nan") if value is None else value for value in values]
        shade = alpha * (0.35 if of_steps else 0.6 if secondary else 1.0)
        axes.plot(
            curve.x, y, style, color=color, linewidth=width, alpha=shade, marker="." if few else ""
        )
    if curve.best is not None and not (secondary and has_validation):
        axes.plot(*curve.best, "o", color=color, markersize=6, markeredgecolor="white", zorder=3)
        if alone and curve.name.startswith("val/"):
            axes.axvline(curve.best[0], color="0.6", linewidth=0.9, linestyle=":", zorder=0)


def run_colors(count: int) -> list[Any]:
    """Return a color for each run."""
    from matplotlib import colormaps

    for name in ("tab10", "tab20"):
        # Gray stands for the splits in the legend.
        palette = colormaps[name]
        everything = [palette(index) for index in range(palette.N)]
        chosen = [color for color in everything if max(color[:3]) - min(color[:3]) > 0.05]
        if count <= len(chosen):
            return chosen[:count]
    palette = colormaps["viridis"]
    return [palette(index / (count - 1)) for index in range(count)]


def _split_color(curve: Curve) -> str:
    """Return the color of a curve of the only run."""
    return {"val": "tab:blue", RATE: "tab:green"}.get(curve.name.partition("/")[0], "tab:orange")


def _add_legend(
    figure: Any,
    entries: Sequence[RunEntry],
    found: Sequence[Panel],
    colors: Sequence[Any],
    across: int,
) -> None:
    """Name the runs by color, the splits by style, and the dots."""
    from matplotlib.lines import Line2D

    names = [curve.name for panel in found for curve in panel.curves]
    splits = [split for split in _STYLES if any(name.startswith(f"{split}/") for name in names)]
    words = {"val": "validation", "train": "training"}
    alone = len(entries) == 1
    handles, labels = [], []
    if not alone:
        labels = legend_names(entries)
        handles = [Line2D([], [], color=color, linewidth=2) for color in colors[:_MAX_NAMES]]
        handles += [Line2D([], [], linestyle="")] * (len(labels) - len(handles))
    for split in splits:
        color = ("tab:blue" if split == "val" else "tab:orange") if alone else "0.35"
        handles.append(Line2D([], [], color=color, linestyle=_STYLES[split], linewidth=1.6))
        labels.append(words[split])
    if "loss" in names:
        handles.append(Line2D([], [], color="tab:orange", linewidth=0.8, alpha=0.5))
        labels.append("training, single steps")
    if any(curve.best is not None for panel in found for curve in panel.curves):
        dot = Line2D([], [], color="0.35", marker="o", linestyle="", markeredgecolor="white")
        handles.append(dot)
        labels.append(f"best epoch{_best_epoch(entries[0]) if alone else ''}")
    legend = figure.legend(
        handles, labels, loc="outside lower center", ncols=across, frameon=False,
        fontsize=9,
    )  # fmt: skip
    for text in legend.get_texts():
        text.set_parse_math(False)
    if alone:
        figure.suptitle(_label(entries[0].name), parse_math=False, fontsize=12)


def legend_names(entries: Sequence[RunEntry]) -> list[str]:
    """Return the names of runs as the legend has them; of very many the first."""
    names = [_label(entry.name) for entry in entries[:_MAX_NAMES]]
    rest = len(entries) - len(names)
    return [*names, f"and {rest:,} more"] if rest else names


def _best_epoch(entry: RunEntry) -> str:
    best = entry.record.best if entry.record is not None else None
    return "" if best is None else f" {best.epoch:,} ({best.metric} {best.value:.4g})"


def _is_positive(panel: Panel) -> bool:
    return all(value is None or value > 0 for curve in panel.curves for value in curve.y)


def _label(name: str) -> str:
    """Return a name as matplotlib shows it: one that begins with ``_`` would be left out."""
    text = printable(name)
    text = cut_middle(text, _MAX_NAME)
    return f" {text}" if text.startswith("_") else text
