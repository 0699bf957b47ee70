"""Installation of two versions of tinynet, each in an environment of its own."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

PACKAGES = (".", "plugins/tinynet-native")
"""The installed packages, in each tree."""


class TreeError(Exception):
    """The failure of a command of git or pip, with its reason."""


def check_out(revision: str | None, folder: Path) -> str:
    """Copy a version into a new folder; return its description.

    Args:
        revision: A revision of git; None for the working tree with its uncommitted changes.
        folder: The new folder.

    Raises:
        TreeError: if git does not know the revision.
    """
    folder.mkdir()
    if revision is None:
        listed = _output("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        for name in filter(None, listed.split("\0")):
            # A file that was deleted, but not yet in the index, is still listed.
            if (source := ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, folder / name)
        changed = " with changes" if _output("git", "status", "--porcelain") else ""
        return f"working tree at {_described('HEAD')}{changed}"
    try:
        description = _described(revision)
    except TreeError:
        raise TreeError(f"git knows no revision {revision!r}; see: git log") from None
    archive = folder.with_suffix(".tar")
    _output("git", "archive", "--output", str(archive), f"{revision}^{{commit}}")
    shutil.unpack_archive(archive, folder, filter="data")
    archive.unlink()
    return description


def _described(revision: str) -> str:
    """Return the short hash and the title of a commit."""
    return _output("git", "log", "-1", "--format=%h %s", f"{revision}^{{commit}}").strip()


def install(tree: Path, folder: Path) -> Path:
    """Install tinynet and its native kernels in a new environment; return its interpreter.

    Other packages are those of the interpreter that runs this program. Both versions are compiled
    with the same flags, since they are those of the environment variables.

    Raises:
        TreeError: if the installation fails.
    """
    _output(sys.executable, "-m", "venv", "--without-pip", str(folder))
    python = folder / "bin" / "python"
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(_output(str(python), "-c", ask).strip())
    (packages / "other_packages.pth").write_text("\n".join(other_packages(sys.path)) + "\n")
    pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet")
    # Without --ignore-installed, pip may find tinynet among the packages of the other environment.
    options = ("--no-deps", "--no-build-isolation", "--ignore-installed")
    _output(*pip, *options, *(str(tree / package) for package in PACKAGES))
    return python


def other_packages(path: list[str]) -> list[str]:
    """Return the folders of installed packages in a ``sys.path``, without trees in development."""
    names = ("site-packages", "dist-packages")
    return [entry for entry in path if Path(entry).name in names]


def _output(*command: str) -> str:
    """Return the output of a command that runs in the root of this tree."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip() or f"exit code {done.returncode}"
        raise TreeError(f"{' '.join(command[:4])} failed: {reason[-2000:]}")
    return done.stdout
