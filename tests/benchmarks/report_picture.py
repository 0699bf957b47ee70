"""The picture of a report in the README: parts of a page, as Chromium draws them.

`python tests/benchmarks/report_picture.py` writes `.github/report.png`. It needs Chromium, jinja2
and Pillow.
"""

import shutil
import subprocess
import sys
import tempfile
from contextlib import chdir
from pathlib import Path

from PIL import Image

import tinynet
from tinynet.commands.report import make_report

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / ".github" / "report.png"
RUN = Path("runs/digits_mlp-001")

WIDTH, HEIGHT = 1080, 3600
PARTS = ((0, 1400), (1440, 2850))
"""First and last line of the two parts that are beside each other."""

SIZE = (1280, 836)


def main() -> None:
    """Train a network, write its report, and draw the picture."""
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next(filter(None, map(shutil.which, names)), None)
    if browser is None:
        sys.exit("needs Chromium")
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        tinynet.train(ROOT / "models" / "digits_mlp.json", RUN)
        page = make_report(RUN).write("page.html").resolve()
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        size = f"--window-size={WIDTH},{HEIGHT}"
        command = [browser, *flags, size, f"--screenshot={page}.png", page.as_uri()]
        subprocess.run(command, check=True, capture_output=True)
        with Image.open(f"{page}.png") as screenshot:
            whole = screenshot.convert("RGB")
    picture = Image.new("RGB", (2 * WIDTH, max(stop - start for start, stop in PARTS)), "white")
    for number, (start, stop) in enumerate(PARTS):
        picture.paste(whole.crop((0, start, WIDTH, stop)), (number * WIDTH, 0))
    reduced = picture.resize(SIZE, Image.Resampling.LANCZOS)
    colors = reduced.quantize(200, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    colors.save(PICTURE, optimize=True)
    print(f"{PICTURE}: {PICTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
