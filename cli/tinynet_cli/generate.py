"""`tinynet generate`."""

from collections.abc import Callable, Iterator
from typing import Any

import click

from tinynet_cli import options
from tinynet_cli.commands import Command
from tinynet_cli.importing import uncollected
from tinynet_cli.number_types import FloatRange, IntRange
from tinynet_cli.output import echo, print_json, write_part


@click.command(cls=Command)
@options.run_or_checkpoint_argument
@click.option("--prompt", required=True, help="Start of the text.")
@click.option(
    "--length",
    type=IntRange(min=0),
    default=200,
    show_default=True,
    help="Characters to add, or bytes if the network was trained on bytes.",
)
@click.option(
    "--temperature",
    type=FloatRange(min=0),
    default=1.0,
    show_default=True,
    help="Below 1 the probable characters become more probable; 0 takes the most probable.",
)
@click.option("--top-k", type=IntRange(min=1), help="Draw from the K most probable only.")
@click.option(
    "--top-p",
    type=FloatRange(0, 1, min_open=True),
    help="Draw from the most probable only that together have this probability.",
)
@click.option(
    "--seed",
    type=IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of the draws; the same seed gives the same text.",
)
@click.option(
    "--count",
    type=IntRange(min=1),
    default=1,
    show_default=True,
    help="Number of texts.",
)
@options.checkpoint_option
@options.strict_finite_option
@options.max_params_option
@options.threads_option
@options.kernels_option
@options.json_option
@options.quiet_option
@options.debug_option
def generate(
    path: str,
    prompt: str,
    length: int,
    count: int,
    checkpoint: str | None,
    threads: int | None,
    as_json: bool,
    quiet: bool,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    seed: int,
    **settings: Any,
) -> None:
    """Continue the text of --prompt with a network that was trained on text.

    Each text is printed with the prompt, character by character; an empty line separates several.
    On a terminal, control characters are escaped.
    """
    with uncollected():
        from tinynet.prediction.generation import TextGenerator
        from tinynet.prediction.sampling import Sampling
        from tinynet.run.models import load_model
        from tinynet_cli.progress import Display

    choices = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
    texts = []
    with Display(quiet=quiet or as_json) as display:
        model = load_model(path, checkpoint, observer=display, **settings)
        generator = TextGenerator(model, threads)
        for number in range(count):
            sampling = Sampling(
                temperature=temperature, top_k=top_k, top_p=top_p, seed=seed, number=number
            )
            parts = generator.stream(prompt, length, sampling)
            if as_json:
                rest = "".join(parts)
                texts.append(generator.start(prompt) + rest)
                continue
            if number:
                echo()
            _print(parts, lambda: generator.start(prompt))
    if as_json:
        print_json({"prompt": prompt, "length": length, **choices, "texts": texts})


def _print(parts: Iterator[str], start: Callable[[], str]) -> None:
    # Errors, such as one of the prompt, come with the first part, before anything is printed.
    first = next(parts, "")
    write_part(start() + first)
    for part in parts:
        write_part(part)
    echo()
