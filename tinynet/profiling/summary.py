"""The profile of a run, from its recording."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean, median

from tinynet.engine.replay import Replay
from tinynet.kernels.memory import Workspace
from tinynet.profiling.attribution import Attribution, Share, attribute
from tinynet.profiling.memory import nbytes, peak_bytes
from tinynet.profiling.observed_program import fused_names, nodes_of
from tinynet.profiling.parts import Memory, ProcessTimes, Row, RunWork, StepTimes, Work
from tinynet.profiling.places import OTHER_PROCESSES, SECTIONS, section
from tinynet.profiling.profile import Profile
from tinynet.profiling.profiler import Elapsed, Profiler, Recording
from tinynet.profiling.recorder import RecordedStep, RowKey
from tinynet.training.trainer import Trainer


def profile_of(profiler: Profiler) -> Profile | None:
    """Return the profile that was recorded so far; None without a recorded step."""
    trainer, own = profiler.trainer, profiler.recordings[0]
    if not own.steps:
        return None
    typical = _typical(own.steps)
    attributions = [attribute(step, own.main) for step in typical]
    shares = _means(attributions)
    in_layers = _means([attribute(step, own.main) for step in _typical(own.layers)])
    engine = getattr(trainer, "_engine")  # noqa: B009 - see `tinynet.profiling.places`
    background: defaultdict[str, float] = defaultdict(float)
    for one in attributions:
        for name, nanoseconds in one.background.items():
            background[name] += nanoseconds / len(attributions) / 1e9
    return Profile(
        first=own.steps[0].number,
        last=own.steps[-1].number,
        samples=fmean(step.samples for step in own.steps),
        threads=engine.threads,
        kernels=trainer.network.kernels.level,
        recorded=_times(own.steps),
        typical=_times(typical),
        layers=_times(own.layers) if own.layers else None,
        plain=_times(own.plain) if own.plain else None,
        rows=_rows(trainer, shares, in_layers, profiler.arrays),
        background=dict(background),
        memory=_memory(trainer),
        run=RunWork(
            steps=_work(profiler.steps),
            evaluations=_work(profiler.evaluations),
            saves=_work(profiler.saves),
        ),
        processes=_processes(profiler.recordings),
    )


def _typical(steps: Sequence[RecordedStep]) -> Sequence[RecordedStep]:
    """Return the steps without the quarter of the shortest and that of the longest ones."""
    ordered = sorted(steps, key=lambda step: step.duration)
    quarter = len(steps) // 4
    return ordered[quarter : len(steps) - quarter]


def _means(attributions: Sequence[Attribution]) -> dict[RowKey, Share]:
    """Return the mean shares of steps, in seconds."""
    means: defaultdict[RowKey, Share] = defaultdict(Share)
    unit = len(attributions) * 1e9
    for one in attributions:
        for key, share in one.rows.items():
            mean = means[key]
            mean.forward += share.forward / unit
            mean.backward += share.backward / unit
            mean.total += share.total / unit
            mean.kernels += share.kernels / unit
    return means


def _rows(
    trainer: Trainer,
    shares: Mapping[RowKey, Share],
    in_layers: Mapping[RowKey, Share],
    arrays: Mapping[RowKey, int],
) -> tuple[Row, ...]:
    """Return the rows: nodes in topological order, losses, and sections that take time."""
    network = trainer.network
    rows, fused = [], fused_names(network.program)

    def of_node(kind: str, name: str, shares: Mapping[RowKey, Share]) -> Row:
        key, names = RowKey("node", name), fused[name]
        types = "+".join(network.nodes[each].type.rpartition(":")[2] for each in names)
        output = network.nodes[names[-1]].out_shape
        share = shares.get(key, Share())
        return _row(kind, ", ".join(names), share, types, output, arrays.get(key, 0))

    for op in network.program.operations:
        nodes = nodes_of(op)
        if len(nodes) == 1:
            rows.append(of_node("node", nodes[0], shares))
            continue
        name = f"{nodes[0]} ... {fused[nodes[-1]][-1]}"
        share = shares.get(RowKey("node", op.node.name), Share())
        parts = [of_node("layer", each, in_layers) for each in nodes]
        size = sum(part.bytes or 0 for part in parts)
        rows.append(_row("chain", name, share, "chain", parts[-1].output, size))
        rows += parts if in_layers else []
    for part in network.losses:
        name = f"loss {part.name}" if len(network.losses) > 1 else "loss"
        key = RowKey("loss", part.name)
        if key in shares:  # else it is replayed in the chain, and predicts nothing
            rows.append(_row("loss", name, shares[key], getattr(part.loss, "name", "")))
    for name in SECTIONS:
        if (share := shares.get(section(name), Share())).total > 0:
            rows.append(_row("section", name, share))
    return tuple(rows)


def _row(
    kind: str,
    name: str,
    share: Share,
    type: str = "",
    output: tuple[int, ...] | None = None,
    size: int | None = None,
) -> Row:
    return Row(
        kind=kind,
        name=name,
        type=type,
        output=output,
        forward=share.forward,
        backward=share.backward,
        total=share.total,
        kernels=share.kernels,
        bytes=size,
    )


def _times(steps: Sequence[RecordedStep]) -> StepTimes:
    seconds = [step.duration / 1e9 for step in steps]
    return StepTimes(
        count=len(steps),
        mean=fmean(seconds),
        median=median(seconds),
        quartile=sorted(seconds)[len(seconds) // 4],
        least=min(seconds),
        most=max(seconds),
    )


def _work(elapsed: Elapsed) -> Work:
    return Work(count=elapsed.count, seconds=max(elapsed.nanoseconds, 0) / 1e9)


def _memory(trainer: Trainer) -> Memory:
    engine, update = getattr(trainer, "_engine"), getattr(trainer, "_update")  # noqa: B009
    return Memory(
        peak=peak_bytes(),
        parameters=nbytes(trainer.network.params),
        optimizer=nbytes(update.updater.slots),
        workspaces=sum(map(_workspace_bytes, engine._workspaces)),
    )


def _workspace_bytes(workspace: Workspace) -> int:
    """Return the bytes of a workspace, with those of the replays in it."""
    replays = [kept for kept in workspace.kept.values() if isinstance(kept, Replay)]
    return nbytes([workspace.arrays, *(replay.arrays for replay in replays)])


def _processes(recordings: Sequence[Recording]) -> tuple[ProcessTimes, ...]:
    if len(recordings) == 1:
        return ()
    times = []
    for recording in recordings:
        steps = _typical(recording.steps)
        shares = _means([attribute(step, recording.main) for step in steps])
        times.append(
            ProcessTimes(
                host=recording.host,
                step=sum(share.total for share in shares.values()),
                waiting=shares.get(section(OTHER_PROCESSES), Share()).total,
            )
        )
    return tuple(times)
