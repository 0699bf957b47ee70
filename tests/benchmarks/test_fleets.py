"""The benchmarks of fleets run, and their model has the times that can be computed by hand."""

import json
import sys
from importlib.util import find_spec
from unittest.mock import patch

import numpy as np
import pytest

from tests.benchmarks import fleet_model, fleet_sum, fleet_versus_ddp
from tests.benchmarks.fleets.network import Network
from tests.benchmarks.fleets.schedule import ITEM, Call, calls_of_all, finish_times, moving
from tests.benchmarks.fleets.sides import SideError

NETWORK = Network(latency=20e-6, bandwidth=1e9, overhead=2e-6, eager_bytes=1000)
"""A message of 1000 bytes takes 21 us, and a longer one needs 40 us to ask."""


def run(program, *arguments):
    with patch.object(sys, "argv", [program.__name__, *arguments]):
        program.main()


def require_mpi():
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    pytest.importorskip("tinynet_mpi", reason="tinynet-mpi is not installed")


def test_a_message_takes_latency_and_length():
    assert NETWORK.message(0) == pytest.approx(20e-6)
    assert NETWORK.message(1000) == pytest.approx(21e-6)
    assert NETWORK.message(10_000) == pytest.approx(20e-6 + 10e-6 + 40e-6)


def test_a_late_process_delays_its_peer_alone():
    clocks = np.array([0.0, 1.0, 0.0, 0.0])
    after = NETWORK.swap(clocks, np.array([1, 0, 3, 2]), np.zeros(4))
    np.testing.assert_allclose(after, [1 + 20e-6, 1 + 4e-6, 20e-6, 20e-6])


def test_all_to_all_sends_through_one_link():
    sizes = np.full((4, 4), 1000.0)
    after = NETWORK.all_to_all(np.zeros(4), sizes)
    # Three messages leave one after the other; the last needs the rest of the way.
    np.testing.assert_allclose(after, 2e-6 + 3 * 1e-6 + 16e-6 + 3 * 2e-6, rtol=0.3)
    assert (after >= NETWORK.message(1000) + 2 * 1e-6).all()


@pytest.mark.parametrize(("size", "rounds"), [(2, 1), (8, 3), (5, 3), (6, 3)])
def test_short_gathers_need_logarithmically_many_messages(size, rounds):
    after = NETWORK.all_gather(np.zeros(size), np.full(size, 8.0))
    np.testing.assert_allclose(after, rounds * 20e-6, rtol=0.01)


def test_long_gathers_go_around_a_ring():
    after = NETWORK.all_gather(np.zeros(8), np.full(8, 1e6))
    np.testing.assert_allclose(after, 7 * NETWORK.message(1e6), rtol=0.01)


@pytest.mark.parametrize("size", [1000, 1024])
def test_objects_of_many_processes_do_not_go_around_a_ring(size):
    short = Network(latency=20e-6, bandwidth=1e9)
    moved = (size - 1) * short.slot / short.bandwidth
    assert short.gather_objects(size, 300) == pytest.approx(10 * 20e-6 + moved, rel=0.2)


@pytest.mark.parametrize("algorithm", ["direct", "halving"])
@pytest.mark.parametrize("size", [2, 3, 5, 8, 12])
def test_recorded_messages_match_and_end(size, algorithm):
    length, calls = calls_of_all(size, size, algorithm)
    swaps = [call for of_one in calls for call in of_one if call.name == "swap"]
    assert sum(call.sent[0] for call in swaps) == sum(call.received[0] for call in swaps)
    assert bool(swaps) == (algorithm == "halving")
    # Each process must at least get the rest of the sum, and send its own part.
    least = (size - 1) / size * length * ITEM / NETWORK.bandwidth
    assert (finish_times(NETWORK, calls, ITEM) > 2 * least).all()


def test_halving_of_a_power_of_two_takes_its_rounds():
    network = Network(latency=20e-6, bandwidth=1e9, overhead=2e-6)
    size, length = 16, 1 << 12
    expected = 2 * (4 * 20e-6 + length * ITEM * 15 / 16 / 1e9)
    assert moving(network, size, size, "halving", length) == pytest.approx(expected)
    assert network.allreduce(size, length * ITEM) == pytest.approx(expected)


def test_processes_that_wait_for_each_other_are_an_error():
    calls = [[Call("swap", (1,), (1,), 1)], [Call("all_gather_array", (1, 1))]]
    with pytest.raises(AssertionError, match="wait for each other"):
        finish_times(NETWORK, calls, ITEM)


@pytest.mark.extra
@pytest.mark.parametrize("more", [[], ["--rule"]])
def test_the_model_prints_its_tables(more, capsys):
    run(fleet_model, "--quick", "--latency", "20e-6", "--bandwidth", "1.25e9", *more)
    out = capsys.readouterr().out
    assert "Network (given): 20.0 us for a small message, 1.25 GB/s" in out
    assert ("The faster algorithm" in out) == bool(more)
    assert ("Gathers of pickled objects" in out) != bool(more)


@pytest.mark.mpi
def test_the_link_between_two_processes_is_measured():
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    network, _ = fleet_model.network_of(fleet_model.parser().parse_args([]))
    assert 0 < network.overhead < network.latency < 1
    assert network.bandwidth > 1e6


@pytest.mark.mpi
def test_the_sum_is_measured_beside_that_of_mpi(tmp_path):
    require_mpi()
    file = tmp_path / "sums.json"
    with pytest.raises(SystemExit) as ended:
        run(fleet_sum, "--quick", "--sizes", "100", "35k", "--json", str(file))
    assert ended.value.code == 0
    measured = json.loads(file.read_text())
    assert measured["processes"] == 2
    for length in ("100", "35000"):
        times = measured["sums"][length]["seconds"]
        assert len(times) == 3
        assert all(0 < time < 1 for values in times.values() for time in values)


@pytest.mark.mpi
def test_steps_of_one_and_two_processes_are_compared(tmp_path, capfd):
    require_mpi()
    file = tmp_path / "steps.json"
    run(fleet_versus_ddp, "mlp", "--quick", "--json", str(file))
    out = capfd.readouterr().out
    assert "tinynet: two processes are" in out
    assert ("tinynet / torch, 2 processes:" in out) == (find_spec("torch") is not None)
    measured = json.loads(file.read_text())["mlp"]
    assert measured["wall"].keys() == measured["cpu"].keys() >= {"tinynet, 2 processes"}


@pytest.mark.mpi
def test_a_process_that_fails_ends_the_comparison():
    require_mpi()
    with pytest.raises(SideError, match="a process ended"):
        fleet_versus_ddp.compare("absent", ["tinynet"], 1, 0.05, None)
