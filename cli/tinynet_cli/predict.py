"""`tinynet predict`."""

from pathlib import Path

import click

from tinynet_cli import options
from tinynet_cli.output import print_json, print_table


@click.command()
@click.argument("path", metavar="RUN_OR_CHECKPOINT", type=click.Path())
@click.argument("inputs", metavar="INPUT...", type=click.Path(), nargs=-1, required=True)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False), help="Write .csv, .jsonl or .npz instead."
)
@click.option("--resize", is_flag=True, help="Bring images to the size the network was trained on.")
@options.checkpoint_option
@options.max_params_option
@options.threads_option
@options.json_option
@options.quiet_option
@options.debug_option
def predict(
    path: str,
    inputs: tuple[str, ...],
    output: str | None,
    resize: bool,
    checkpoint: str | None,
    max_params: int,
    threads: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """What a trained network says of INPUT: .npy, .npz, .csv or image files of raw inputs.

    The preprocessing that was saved with the network is applied first.
    """
    from tinynet.run.prediction import predict_files, write_predictions
    from tinynet.run.run import load_model

    model = load_model(path, checkpoint, max_params=max_params)
    predictions = predict_files(model, inputs, resize=resize, threads=threads)
    if output is not None:
        write_predictions(predictions, Path(output))
    if as_json:
        print_json({**predictions.to_json(), **({"output": output} if output else {})})
    elif output is not None:
        if not quiet:
            click.echo(f"{output}: {len(predictions.outputs):,} predictions")
    elif predictions.labels is not None and predictions.probabilities is not None:
        best = [f"{value:.4f}" for value in predictions.probabilities.max(axis=1)]
        rows = list(zip(range(len(best)), predictions.labels, best, strict=True))
        print_table(("sample", "label", "probability"), rows)
    else:
        print_table(predictions.columns, list(predictions.rows()))
