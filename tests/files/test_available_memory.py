"""A file that does not fit into memory is refused before the kernel kills the process."""

import gzip
import io
import resource
import struct
import subprocess
import sys
import textwrap
import zipfile

import numpy as np
import pytest

from tinynet.builtin.datasets.csv import CSV
from tinynet.builtin.datasets.idx import IDX
from tinynet.builtin.datasets.numpy_files import NPZ
from tinynet.errors import DataError
from tinynet.files.available_memory import RESERVE, available_memory, require_memory, show_bytes

GIB = 2**30
V2 = "31 1 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
V1 = "33 1 0:3 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"


@pytest.fixture
def root(tmp_path):
    """A machine of 8 GiB: its ``proc`` and ``sys``, and a function that writes more files."""

    class Root:
        path = tmp_path

        def write(self, name, text):
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    root = Root()
    root.write("proc/meminfo", f"MemTotal: 99 kB\nMemAvailable: {8 * 2**20} kB\nSwapFree: 0 kB\n")
    return root


def test_without_limits_the_memory_of_the_machine_counts(root):
    assert available_memory(root.path) == 8 * GIB


def test_free_swap_counts(root):
    root.write("proc/meminfo", f"MemAvailable: {2**20} kB\nSwapFree: {2**20} kB\n")
    assert available_memory(root.path) == 2 * GIB


def test_version_2_counts_files_in_the_page_cache_as_free(root):
    root.write("proc/self/cgroup", "0::/job\n")
    root.write("proc/self/mountinfo", V2)
    root.write("sys/fs/cgroup/job/memory.max", f"{4 * GIB}\n")
    root.write("sys/fs/cgroup/job/memory.current", f"{3 * GIB}\n")
    root.write("sys/fs/cgroup/job/memory.stat", f"anon 5\ninactive_file {GIB}\nactive_file 7\n")
    assert available_memory(root.path) == 2 * GIB + 7


@pytest.mark.parametrize("limited", ["a", "a/b", "a/b/c"])
def test_a_limit_of_any_parent_counts(root, limited):
    root.write("proc/self/cgroup", "0::/a/b/c\n")
    root.write("proc/self/mountinfo", V2)
    for group in ("a", "a/b", "a/b/c"):
        limit = GIB if group == limited else "max"
        root.write(f"sys/fs/cgroup/{group}/memory.max", f"{limit}\n")
        root.write(f"sys/fs/cgroup/{group}/memory.current", "24\n")
    assert available_memory(root.path) == GIB - 24


def test_version_1(root):
    root.write("proc/self/cgroup", "5:cpu:/other\n4:hugetlb,memory:/job/task\n0::/\n")
    root.write("proc/self/mountinfo", V1 + V2)
    for group, limit in (("job/task", 2**63 - 4096), ("job", 2 * GIB)):
        root.write(f"sys/fs/cgroup/memory/{group}/memory.limit_in_bytes", f"{limit}\n")
        root.write(f"sys/fs/cgroup/memory/{group}/memory.usage_in_bytes", f"{GIB}\n")
        root.write(f"sys/fs/cgroup/memory/{group}/memory.stat", "total_inactive_file 100\n")
    assert available_memory(root.path) == GIB + 100


def test_in_a_container_the_mount_begins_at_its_own_group(root):
    root.write("proc/self/cgroup", "4:memory:/docker/f00/inner\n")
    root.write("proc/self/mountinfo", V1.replace("0:3 / ", "0:3 /docker/f00 "))
    root.write("sys/fs/cgroup/memory/memory.limit_in_bytes", f"{GIB}\n")
    root.write("sys/fs/cgroup/memory/memory.usage_in_bytes", "0\n")
    assert available_memory(root.path) == GIB


def test_a_group_outside_of_the_mount_is_that_of_the_mount(root):
    root.write("proc/self/cgroup", "0::/../../elsewhere\n")
    root.write("proc/self/mountinfo", V2)
    root.write("sys/fs/cgroup/memory.max", f"{GIB}\n")
    root.write("sys/fs/cgroup/memory.current", "0\n")
    assert available_memory(root.path) == GIB


@pytest.mark.parametrize("text", ["", "nonsense\n", ":::\n", "0:\n", "x" * 9 + "\0\n"])
def test_empty_files_of_the_system_set_no_limit(root, text):
    root.write("proc/self/cgroup", text)
    root.write("proc/self/mountinfo", text)
    root.write("proc/self/statm", text)
    assert available_memory(root.path) == 8 * GIB


def test_a_group_that_is_over_its_limit_leaves_nothing(root):
    root.write("proc/self/cgroup", "0::/job\n")
    root.write("proc/self/mountinfo", V2)
    root.write("sys/fs/cgroup/job/memory.max", "100\n")
    root.write("sys/fs/cgroup/job/memory.current", "200\n")
    assert available_memory(root.path) == 0


@pytest.mark.parametrize("name", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_limits_of_the_process_count(root, monkeypatch, name):
    used = 1000
    root.write("proc/self/statm", f"{used} 2 3 4 5 {used} 7\n")
    limits = {getattr(resource, name): GIB}
    unlimited = resource.RLIM_INFINITY
    monkeypatch.setattr(resource, "getrlimit", lambda which: (limits.get(which, unlimited),) * 2)
    assert available_memory(root.path) == GIB - used * resource.getpagesize()


def test_the_message_has_both_sizes_and_the_remedy(root):
    with pytest.raises(DataError) as raised:
        require_memory("x.npz", 11 * GIB, "buy some", 2 * GIB, root.path)
    assert str(raised.value) == (
        "x.npz does not fit into memory (needs about 11.0 GiB, 10.0 GiB available); buy some"
    )
    require_memory("x.npz", 10 * GIB - RESERVE, "", 2 * GIB, root.path)
    with pytest.raises(DataError, match="does not fit"):
        require_memory("x.npz", 10 * GIB - RESERVE + 1, "", 2 * GIB, root.path)


@pytest.mark.parametrize(
    ("open_dataset", "remedy"),
    [
        (lambda at: IDX(IDX.Config(images=f"{at}/images.gz", labels=f"{at}/labels")), "gunzip -k"),
        (lambda at: NPZ(NPZ.Config(path=f"{at}/x.npz")), "tinynet convert"),
        (lambda at: CSV(CSV.Config(path=f"{at}/t.csv.gz", target=0, header=False)), '"features"'),
    ],
)
def test_the_remedy_is_that_of_the_format(large, monkeypatch, open_dataset, remedy):
    monkeypatch.setattr("tinynet.files.available_memory.available_memory", lambda root: 1 << 20)
    with pytest.raises(DataError, match="does not fit into memory") as raised:
        open_dataset(large)
    assert remedy in str(raised.value)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0.0 KiB"), (1536, "1.5 KiB"), (2**20, "1.0 MiB"), (2**52, "4,096.0 TiB")],
)
def test_sizes_are_readable(count, text):
    assert show_bytes(count) == text


# Real files under a real limit ------------------------------------------------------------------

SAMPLES = 1 << 20
WIDTH = 256


def idx_header(*sizes):
    return b"\0\0\x08" + bytes([len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes)


def zeros(size):
    """Yield gzipped zeros in small pieces."""
    file = io.BytesIO()
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1) as stream:
        yield stream
        block = bytes(1 << 20)
        for _ in range(size >> 20):
            stream.write(block)
    yield file.getvalue()


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Files of 256 MiB, packed: an idx pair, an npz, and a table of as many bytes."""
    folder = tmp_path_factory.mktemp("large")
    maker = zeros(SAMPLES * WIDTH)
    next(maker).write(idx_header(SAMPLES, WIDTH))
    (folder / "images.gz").write_bytes(next(maker))
    (folder / "labels").write_bytes(idx_header(SAMPLES) + bytes(SAMPLES))
    with zipfile.ZipFile(folder / "x.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        with file.open("x.npy", "w") as stream:
            header = {"descr": "|u1", "fortran_order": False, "shape": (SAMPLES, WIDTH)}
            np.lib.format.write_array_header_1_0(stream, header)
            for _ in range(SAMPLES * WIDTH >> 20):
                stream.write(bytes(1 << 20))
        with file.open("y.npy", "w") as stream:
            np.lib.format.write_array(stream, np.zeros(SAMPLES, np.uint8))
    rows = b"1,2,3,4,5,6,7,8\n" * (1 << 16)
    with gzip.open(folder / "t.csv.gz", "wb", compresslevel=1) as stream:
        for _ in range(64):
            stream.write(rows)
    return folder


LIMITED = """
import resource
from tinynet.errors import DataError
from tinynet.builtin.datasets.csv import CSV
from tinynet.builtin.datasets.idx import IDX
from tinynet.builtin.datasets.numpy_files import NPZ
import numpy as np

np.ones((8, 8)) @ np.ones((8, 8))
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (200 << 20),) * 2)
folder = {folder!r}
for dataset, config in (
    (IDX, dict(images=folder + "/images.gz", labels=folder + "/labels")),
    (NPZ, dict(path=folder + "/x.npz")),
    (CSV, dict(path=folder + "/t.csv.gz", target=7, header=False)),
):
    try:
        dataset(dataset.Config(**config))
    except DataError as error:
        print(error)
# Not ru_maxrss: a child inherits that of the process that started it.
(peak,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(int(peak) << 10)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit address space")
def test_files_larger_than_a_limit_are_refused_early(large):
    script = textwrap.dedent(LIMITED).format(folder=str(large))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr == ""
    *messages, peak = done.stdout.splitlines()
    assert len(messages) == 3
    assert "images.gz does not fit into memory (needs about 256.0 MiB, " in messages[0]
    assert "x.npz does not fit into memory (needs about 257.0 MiB, " in messages[1]
    assert "t.csv.gz does not fit into memory (needs about " in messages[2]
    assert all("raise the limit on address space" in message for message in messages)
    assert int(peak) < 200 << 20, "something was loaded before it was refused"
