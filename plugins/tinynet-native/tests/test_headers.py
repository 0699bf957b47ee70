import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "source"
COMPILER = shlex.split(sysconfig.get_config_var("CC") or "cc")[0]


@pytest.mark.skipif(not shutil.which(COMPILER), reason="needs a C compiler")
@pytest.mark.parametrize("header", sorted(path.name for path in SOURCE.glob("*.h")))
def test_header_compiles_alone(header: str) -> None:
    include = sysconfig.get_paths()["include"]
    options = ["-std=gnu11", "-fsyntax-only", "-DPy_LIMITED_API=0x030B0000", f"-I{include}"]
    command = [COMPILER, *options, "-x", "c", str(SOURCE / header)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
