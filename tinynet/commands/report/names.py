"""Names of classes, targets and figures as a report shows them."""

from tinynet.prediction.model import Model

_FIGURES = {
    "auc": "AUC",
    "f1": "F1",
    "mae": "MAE",
    "mape": "MAPE",
    "mse": "MSE",
    "r2": "R²",
    "rmse": "RMSE",
    "ssim": "SSIM",
}


def visible(name: str) -> str:
    r"""Return the visible name of a class: ``␣`` for a space, ``\n`` for the end of a line."""
    if name == "":
        return "(empty)"
    if name.isspace() or not name.isprintable():
        parts = ("␣" if c == " " else c if c.isprintable() else ascii(c)[1:-1] for c in name)
        return "".join(parts)
    return name


def figure_title(figure: str) -> str:
    """Return the name of a figure as a title: ``Loss``, ``Accuracy of kind`` for kind/accuracy."""
    output, _, name = figure.rpartition("/")
    title = _FIGURES.get(name, name[:1].upper() + name[1:].replace("_", " "))
    return f"{title} of {output}" if output else title


def target_title(model: Model, target: str) -> str:
    """Return the name of a target: that of its column, if it is the only one of a table."""
    data = model.spec.data
    if target != "target" or data is None or "columns" not in data.options:
        return target
    column = data.options.get("target")
    if isinstance(column, str):
        return column
    windows = data.windows.targets if data.windows is not None else None
    return windows[0] if windows and len(windows) == 1 else target
