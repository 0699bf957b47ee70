"""Builds the kernels. Everything else about the distribution is in pyproject.toml."""

from pathlib import Path

from setuptools import Extension, setup

SOURCE = Path("source")
LEAST_PYTHON = "0x030B0000"

setup(
    ext_modules=[
        Extension(
            "tinynet_native._kernels",
            sources=sorted(str(path) for path in SOURCE.glob("*.c")),
            depends=sorted(str(path) for path in SOURCE.glob("*.h")),
            define_macros=[("Py_LIMITED_API", LEAST_PYTHON)],
            py_limited_api=True,
            libraries=["m"],
            extra_link_args=["-pthread"],
            # Nothing that changes results: every operation rounds as it is written, and NaN and
            # infinities mean what they mean in NumPy.
            extra_compile_args=[
                "-std=gnu11",
                "-pthread",
                "-O3",
                "-g0",
                "-fvisibility=hidden",
                "-ffp-contract=off",
                "-fno-math-errno",
                "-fno-trapping-math",
            ],
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
