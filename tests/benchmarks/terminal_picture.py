"""The README's picture: a real training run that is interrupted and resumed, as an SVG.

`python tests/benchmarks/terminal_picture.py` writes `.github/training.svg`.
"""

import io
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / ".github" / "training.svg"
MAIN = [sys.executable, "-c", "from tinynet_cli.entry import main; main()"]
TRAIN = ["train", "models/digits_cnn.json", "--set", "training.epochs=8"]
INTERRUPTED_EPOCH = "4/8"
WIDTH = 100

# rich's own format loads a font from another host, which GitHub blocks.
FORMAT = """<svg class="rich-terminal" viewBox="0 0 {width} {height}"
     xmlns="http://www.w3.org/2000/svg" role="img">
<title>tinynet train, interrupted and resumed</title>
<style>
.{unique_id}-matrix {{ font-family: Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{height}" />
</clipPath>
{lines}
</defs>
<rect width="{width}" height="{height}" rx="8" fill="#1e1e1e" stroke="#808080" />
<g transform="translate({terminal_x}, 12)" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def run(words: list[str], folder: str, interrupt_after: str | None = None) -> Iterator[str]:
    """Yield the lines of a command; interrupt it after the row of an epoch."""
    process = subprocess.Popen(
        [*MAIN, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        yield line.rstrip("\n")
        if interrupt_after is not None and line.split()[:1] == [interrupt_after]:
            process.send_signal(signal.SIGINT)
    process.wait()


def main() -> None:
    """Train, interrupt, resume, and write the picture."""
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "models").symlink_to(ROOT / "models")
        resume = ["resume", "runs/digits_cnn-001"]
        for words, epoch in ((TRAIN, INTERRUPTED_EPOCH), (resume, None)):
            console.print(Text(f"$ tinynet {' '.join(words)}", style="bold green"))
            for line in run(words, folder, epoch):
                best = line.endswith("  best")
                console.print(Text(line, style="bold" if best else ""), soft_wrap=False)
    PICTURE.parent.mkdir(exist_ok=True)
    picture = console.export_svg(theme=MONOKAI, code_format=FORMAT, unique_id="training")
    PICTURE.write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
