"""The plot of importances: bars, as an image and as a drawing."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from tinynet.errors import explaining_io
from tinynet.files.atomic import replacing

_BAR_HEIGHT = 0.4
"""Inches of a bar and the space around it."""

_WIDTH = 6.4
"""Inches of the plot."""


def plot_importance(folder: Path, shares: Mapping[str, float], metric: str) -> tuple[Path, ...]:
    """Write ``importance.png`` and ``importance.svg``, if matplotlib is installed.

    Args:
        folder: The study's folder.
        shares: The importance by path, the greatest first.
        metric: The figure that is improved.

    Returns:
        The files; none without matplotlib.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        return ()
    # Without pyplot, whose state and backend belong to the program that calls this.
    figure = Figure(figsize=(_WIDTH, 1 + _BAR_HEIGHT * len(shares)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    paths = list(reversed(list(shares)))
    # A dollar sign would begin a formula.
    labels = [path.replace("$", r"\$") for path in paths]
    bars = axes.barh(range(len(paths)), [shares[path] for path in paths], color="#3b6ea8")
    axes.set_yticks(range(len(paths)), labels)
    axes.bar_label(bars, fmt="{:.0%}", padding=3)
    axes.set_xlim(0, max(shares.values()) * 1.15 or 1)
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.set_title(f"Importance for {metric}".replace("$", r"\$"), fontsize="medium")
    axes.spines[["top", "right"]].set_visible(False)
    return tuple(_save(figure, folder / f"importance.{kind}") for kind in ("png", "svg"))


def _save(figure: Any, path: Path) -> Path:
    image = BytesIO()
    # Without a date, equal studies have equal files.
    metadata = {"Date": None} if path.suffix == ".svg" else {}
    figure.savefig(image, format=path.suffix[1:], dpi=150, metadata=metadata)
    with explaining_io(path), replacing(path) as write_at:
        write_at(0, image.getvalue())
    return path
