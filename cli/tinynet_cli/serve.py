"""`tinynet serve`."""

from typing import Any

import click

from tinynet_cli import options
from tinynet_cli.commands import Command
from tinynet_cli.number_types import FloatRange, IntRange
from tinynet_cli.output import echo, print_json, warn


def _size(context: click.Context, parameter: click.Parameter, text: str) -> int:
    from tinynet.commands.serve.limits import parse_size
    from tinynet.errors import UsageError

    try:
        return parse_size(text)
    except UsageError as error:
        raise click.BadParameter(str(error)) from error


def _seconds(context: click.Context, parameter: click.Parameter, value: float) -> float:
    if value != value:  # NaN is in every range
        raise click.BadParameter("nan is not a number of seconds")
    return value


@click.command(cls=Command)
@options.run_or_checkpoint_argument
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port",
    type=IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port to listen at; 0 takes a free one.",
)
@click.option(
    "--max-size",
    metavar="SIZE",
    default="10MB",
    show_default=True,
    callback=_size,
    help="Size of a request.",
)
@click.option(
    "--max-rows",
    type=IntRange(min=1),
    default=10_000,
    show_default=True,
    help="Samples of a request.",
)
@click.option(
    "--max-values",
    type=click.IntRange(min=1),
    default=5_000_000,
    show_default=True,
    help="Values of an answer.",
)
@click.option(
    "--timeout",
    type=FloatRange(0.01, 86400),
    default=30.0,
    show_default=True,
    callback=_seconds,
    help="Seconds of computation until a request is ended.",
)
@options.checkpoint_option
@options.strict_finite_option
@options.max_params_option
@options.threads_option
@options.kernels_option
@options.json_option
@options.quiet_option
@options.debug_option
def serve(
    path: str,
    host: str,
    port: int,
    max_size: int,
    max_rows: int,
    max_values: int,
    timeout: float,
    checkpoint: str | None,
    threads: int | None,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Serve predictions of a trained network over HTTP, with a page to try it.

    POST /predict takes JSON, CSV, texts and images, and answers as `tinynet predict --json`. Only
    this machine can reach the server, unless --host is given. Ctrl-C ends it. With --json, one
    line with the address is printed when it is ready.
    """
    from tinynet.commands.serve.app import create_app
    from tinynet.commands.serve.limits import Limits
    from tinynet.commands.serve.server import bind, run
    from tinynet.extras import importing
    from tinynet.run.lookup import find_checkpoint
    from tinynet.run.models import load_model
    from tinynet_cli.progress import Display

    with importing("serve", "tinynet serve"):  # before the model is loaded in vain
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401

    address = bind(host, port)
    with address.listener:
        with Display(quiet=quiet or as_json) as display:
            model = load_model(path, checkpoint, observer=display, **settings)
            file, _ = find_checkpoint(path, checkpoint)
            app = create_app(
                model,
                limits=Limits(max_size, timeout, max_rows, max_values),
                threads=threads,
                # Clients on other machines do not see the folders above the run.
                source="/".join(
                    file.absolute().parts[-3 if file.parent.name == "checkpoints" else -1 :]
                ),
                hosts=address.names,
                log=None if quiet or as_json else lambda line: echo(line, err=True),
            )
        if not address.is_loopback:
            warn(
                f"{host} can be reached from other machines, and anyone there can send requests:"
                " there is no password"
            )

        def ready() -> None:
            if as_json:
                print_json({"address": address.url, "model": model.spec.name, "checkpoint": file})
            else:
                echo(f"{model.spec.name}: {address.url} (Ctrl-C ends the server)")

        run(app, address, ready)
