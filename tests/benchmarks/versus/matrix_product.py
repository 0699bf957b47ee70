"""The speed of NumPy's matrix product: `python matrix_product.py THREADS` prints GFLOP/s."""

import os
import sys
from time import perf_counter

import numpy as np

SIZE, REPETITIONS = 1024, 30


def main() -> None:
    threads = int(sys.argv[1])
    # As the sides do, which `worker.hold_to_cores` holds.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    left, right, out = (np.ones((SIZE, SIZE), np.float32) for _ in range(3))
    times = []
    for _ in range(REPETITIONS):
        start = perf_counter()
        np.matmul(left, right, out=out)
        times.append(perf_counter() - start)
    # The fastest one, since this describes the machine and not its load.
    print(2 * SIZE**3 / min(times) / 1e9)


if __name__ == "__main__":
    main()
