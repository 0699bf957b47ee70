"""The table of a profile fits the terminal, and is as short as it is useful."""

import pytest

from tinynet.profiling.parts import Memory, ProcessTimes, Row, RunWork, StepTimes, Work
from tinynet.profiling.profile import Profile

TIMES = StepTimes(count=20, mean=0.004, median=0.0039, quartile=0.0039, least=0.0038, most=0.005)
PLAIN = StepTimes(count=20, mean=0.0038, median=0.0036, quartile=0.0036, least=0.0035, most=0.005)


def node(number, total, **more):
    return Row(
        kind="node",
        name=f"conv2d_{number}, relu_{number}",
        type="conv2d+relu",
        output=(26, 26, 32),
        forward=total / 2,
        backward=total / 2,
        total=total,
        kernels=total * 0.9,
        bytes=5_400_000,
        **more,
    )


def section(name, total):
    return Row(kind="section", name=name, forward=0, backward=0, total=total, kernels=0)


def profile(nodes=3, first=(), **more):
    each = 0.003 / nodes
    rows = [*first, *(node(number, each) for number in range(1, nodes + 1))]
    rows += [section("update", 0.00099), section("logging", 5e-6), section("saving", 5e-6)]
    return Profile(
        first=4,
        last=43,
        samples=more.pop("samples", 64),
        threads=2,
        kernels="avx2",
        recorded=TIMES,
        typical=TIMES,
        layers=more.pop("layers", None),
        plain=PLAIN,
        rows=tuple(rows),
        background={"read samples": 0.0001},
        memory=Memory(peak=91_000_000, parameters=105_000, optimizer=208_000, workspaces=4_400_000),
        run=RunWork(steps=Work(count=120, seconds=2.2), evaluations=Work(), saves=Work()),
        **more,
    )


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width):
    assert max(map(len, profile().lines(width))) <= width


def test_the_table_shows_all_columns_where_there_is_room():
    lines = profile().lines(None)
    head = next(line for line in lines if "forward" in line)
    assert head.split() == [
        "type", "output", "forward", "backward", "total", "share", "kernels", "arrays"
    ]  # fmt: skip
    row = next(line for line in lines if line.startswith("conv2d_1"))
    assert row.split()[2:] == [
        "conv2d+relu", "26x26x32", "0.500", "0.500", "1.000", "25.0%", "90.0%", "5.4", "MB"
    ]  # fmt: skip


def test_narrow_terminals_keep_times_and_shares():
    head = next(line for line in profile().lines(60) if "share" in line)
    assert head.split() == ["forward", "backward", "total", "share", "kernels"]


def test_the_sum_has_no_directions_if_a_chain_has_none():
    """The forward pass of the others would look like that of the step."""
    chain = node(1, 0.002).model_copy(update={"kind": "chain", "forward": 0.0, "backward": 0.0})
    total = next(line for line in profile(first=[chain]).lines(120) if line.startswith("step  "))
    assert total.split()[:2] == ["step", "6.000"]


def test_the_last_row_is_the_sum():
    lines = profile().lines(120)
    total = next(line for line in lines if line.startswith("step  "))
    assert total.split()[:4] == ["step", "1.500", "1.500", "4.000"]
    assert "100.0%" in total


def test_sections_that_take_no_time_are_added_up():
    names = [line.split("  ")[0] for line in profile().lines(120)]
    assert "other" in names
    assert "logging" not in names


def test_a_large_network_shows_the_nodes_that_take_time():
    lines = profile(nodes=200).lines(120)
    assert len(lines) < 70
    assert any(line.startswith("161 other nodes") for line in lines)
    assert len(profile(nodes=200).lines(120, whole=True)) > 200


@pytest.mark.parametrize(
    ("mean", "shown"),
    [(1, "1 sample,"), (1024, "1,024 samples,"), (30.75, "30.8 samples on average,")],
)
def test_batches_of_different_sizes_have_a_mean(mean, shown):
    """31 samples would be the size of no batch, where the last one is smaller."""
    assert f"of {shown} on 2 threads" in "\n".join(profile(samples=mean).lines(None))


def test_the_overhead_of_recording_is_told():
    text = "\n".join(profile().lines(None))
    assert "recording: +8.3% (first quartiles: 3.90 ms, and 3.60 ms for 20 steps that" in text


def test_names_of_strangers_cannot_control_the_terminal():
    processes = (ProcessTimes(host="a\x1b[2J", step=1, waiting=0.5),) * 2
    assert "\x1b" not in "\n".join(profile(processes=processes).lines(80))


def test_layers_of_a_chain_are_indented_and_no_part_of_the_sum():
    chain = [
        Row(kind="chain", name="a ... b", forward=1e-4, backward=0, total=1e-4, kernels=0),
        Row(kind="layer", name="a", forward=2e-3, backward=0, total=2e-3, kernels=0),
        Row(kind="layer", name="b", forward=2e-3, backward=0, total=2e-3, kernels=0),
    ]
    lines = profile(first=chain, layers=TIMES).lines(120)
    (layer,) = [line for line in lines if line.startswith("  a ")]
    assert layer.split() == ["a", "2.000", "2.000"]
    total = next(line for line in lines if line.startswith("step  "))
    assert total.split()[:4] == ["step", "1.600", "1.500", "4.100"]
    foot = "\n".join(profile(first=chain, layers=TIMES).lines(None))
    assert "called one by one (median 3.90 ms)" in foot
