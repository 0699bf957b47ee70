"""A job on a table as a plain scikit-learn program.

    python tests/benchmarks/versus/sklearn_job.py wine.csv --kind classes --test 35

Reads the file with NumPy, which takes less time than pandas, standardizes, trains without early
stopping, and prints the accuracy, or R² of numbers, on the last rows of the file.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="a CSV file of numbers; its last column is learned")
    parser.add_argument("--kind", choices=("classes", "numbers"), required=True, help="of target")
    parser.add_argument("--test", type=int, required=True, help="rows at the end for the test")
    parser.add_argument("--units", type=int, default=100)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    # The default stops at the first of ten epochs without progress; all sides train all epochs.
    endless = {"tol": 0.0, "n_iter_no_change": args.epochs + 1, "max_iter": args.epochs}
    options = {
        "hidden_layer_sizes": (args.units,),
        "batch_size": args.batch,
        "alpha": 0.0,
        "learning_rate_init": args.learning_rate,
        "random_state": args.seed,
        **endless,
    }
    rows = np.loadtxt(args.data, np.float32, delimiter=",", skiprows=1)
    x, y = rows[:, :-1], rows[:, -1]
    train, test = slice(None, -args.test), slice(-args.test, None)
    x = StandardScaler().fit(x[train]).transform(x)
    model: MLPClassifier | MLPRegressor
    if args.kind == "classes":
        model, y = MLPClassifier(**options), y.astype(np.int64)
    else:
        model = MLPRegressor(**options)
        y = StandardScaler().fit(y[train, None]).transform(y[:, None])[:, 0]
    warnings.simplefilter("ignore", ConvergenceWarning)
    model.fit(x[train], y[train])
    print(model.score(x[test], y[test]))


if __name__ == "__main__":
    main()
