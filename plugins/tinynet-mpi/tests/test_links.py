"""Jobs on two machines, here two network namespaces, whose connection is lost."""

import os
import signal
import subprocess
import time
from contextlib import suppress

import pytest

pytest.importorskip("mpi4py", reason="mpi4py is not installed")
from launching import MPIEXEC, is_mpich
from torture_jobs import COUNT, assert_same, own_lines, resumed, running

pytestmark = [
    pytest.mark.torture,
    pytest.mark.skipif(
        MPIEXEC is None or not is_mpich(), reason="there is no mpiexec of MPICH: pip install mpich"
    ),
    pytest.mark.skipif(not COUNT, reason="TORTURE_COUNT says how often"),
]
LINK = "tinynet-link"

OVER_THE_LINK = {
    "MPIR_CVAR_NOLOCAL": "1",
    "UCX_TLS": "tcp,self",
    "UCX_NET_DEVICES": LINK,
    "FI_PROVIDER": "tcp",
    "FI_TCP_IFACE": LINK,
}
"""Variables without which the processes would share memory, and never use the link."""


@pytest.fixture
def two_machines(tmp_path):
    """Two network namespaces with a link; the words that start two processes, and the link."""
    script = tmp_path / "enter.sh"
    script.write_text(
        '#!/bin/sh\n[ "$1" = -x ] && shift\n'
        "case $1 in 10.77.0.1) space=tinynet-a;; *) space=tinynet-b;; esac\n"
        'shift\nexec ip netns exec $space sh -c "$*"\n'
    )
    script.chmod(0o755)
    spaces = ("tinynet-a", "10.77.0.1"), ("tinynet-b", "10.77.0.2")
    try:
        for space, _ in spaces:
            ip("netns", "add", space)
        ip(*f"link add {LINK} netns tinynet-a type veth peer name {LINK} netns tinynet-b".split())
        for space, address in spaces:
            ip("-n", space, "addr", "add", f"{address}/24", "dev", LINK)
            ip("-n", space, "link", "set", "lo", "up")
            ip("-n", space, "link", "set", LINK, "up")
        for space, _ in spaces:  # UCX takes no link that has no carrier yet.
            while "LOWER_UP" not in ip("-n", space, "link", "show", LINK):
                time.sleep(0.01)
        hosts = ["-hosts", "10.77.0.1,10.77.0.2", "-launcher", "ssh", "-launcher-exec", str(script)]
        yield ["ip", "netns", "exec", "tinynet-a", MPIEXEC, *hosts, "-n", "2"]
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("network namespaces are not allowed here")
    finally:
        for space, _ in spaces:
            subprocess.run(["ip", "netns", "del", space], capture_output=True, check=False)


def ip(*words):
    """Run a command of `ip`; return what it prints."""
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


def sent():
    """Return the bytes that the link has carried."""
    path = f"/sys/class/net/{LINK}/statistics/tx_bytes"
    words = ["ip", "netns", "exec", "tinynet-a", "cat", path]
    return int(subprocess.run(words, check=True, capture_output=True).stdout)


def test_a_link_that_is_down_ends_the_job(tmp_path, whole, two_machines):
    options = "--fleet-timeout", "4"
    job = running(tmp_path / "run", 2, *options, launcher=two_machines, **OVER_THE_LINK)
    assert sent() > 100_000
    ip("-n", "tinynet-a", "link", "set", LINK, "down")
    begun = time.monotonic()
    while any(rank is not None for rank in job.members().values()):
        assert time.monotonic() - begun < 40, "a process waits for the other without an end"
        time.sleep(0.1)
    ended = time.monotonic() - begun
    time.sleep(2)
    waits = job.launcher.poll() is None
    # The launcher itself may wait for the other machine; a user presses Ctrl-C.
    for number in (signal.SIGINT, signal.SIGKILL):
        for pid in job.members():
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        time.sleep(1)
    code, lines = job.end()
    print(code, f"{ended:.1f} s", f"the launcher waits: {waits}", lines)
    assert code != 0
    assert len([line for line in lines if line.startswith("error: ")]) == 1
    resumed(job.run, 2, whole)


def test_a_link_that_is_down_for_a_while_changes_nothing(tmp_path, whole, two_machines):
    options = "--fleet-timeout", "60"
    job = running(tmp_path / "run", 2, *options, launcher=two_machines, **OVER_THE_LINK)
    ip("-n", "tinynet-a", "link", "set", LINK, "down")
    time.sleep(1)
    step = job.steps()
    time.sleep(2)
    assert job.steps() == step
    ip("-n", "tinynet-a", "link", "set", LINK, "up")
    code, lines = job.end()
    print(code, lines)
    assert (code, own_lines(lines)) == (0, [])
    assert_same(job.run, whole)
