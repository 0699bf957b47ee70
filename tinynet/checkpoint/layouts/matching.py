"""Pairs of modules of a file and slots of a network: by the rules, names, shapes and order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tinynet.checkpoint.layouts.branches import Branches
from tinynet.checkpoint.layouts.converted import Converted, convert
from tinynet.checkpoint.layouts.modules import Module, ModuleList
from tinynet.checkpoint.layouts.slots import Slot
from tinynet.files.array_header import ArrayHeader
from tinynet.text.wording import format_list, suggest

_SELF, _OTHER = ("self_attn",), ("multihead_attn", "cross_attn", "encoder_attn")
"""The last names of attention modules whose keys are the queries' sequence, or another one."""

_SHOWN = 12
"""Most layers that a message lists of each side."""


@dataclass
class Pairing:
    """The module of each slot that has one.

    Attributes:
        pairs: Slots and modules.
        notes: The pairs that follow from an order, a line each.
        ambiguous: A message for each group whose order is not known.
        undecided: The slots of these groups.
    """

    pairs: list[tuple[Slot, Module]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ambiguous: list[str] = field(default_factory=list)
    undecided: list[Slot] = field(default_factory=list)


class Matcher:
    """The search for the module of each slot."""

    def __init__(
        self,
        slots: Sequence[Slot],
        modules: ModuleList,
        headers: Mapping[str, ArrayHeader],
        separator: str,
        origin: str,
        branches: Branches,
    ) -> None:
        """Take both sides; ``origin`` is the name of the file in messages."""
        self._branches = branches
        self._fits: dict[tuple[object, ...], bool] = {}
        self._slots, self._modules = slots, modules
        self._headers, self._separator, self._origin = headers, separator, origin
        self._taken: set[str] = set()  # modules
        self._filled: set[str] = set()  # labels of slots
        self.pairing = Pairing()
        self.problems: list[str] = []
        self.undecided_arrays: set[str] = set()

    def map_module(self, before: str, after: str) -> None:
        """Pair the module and the node that the rules name; add to the problems."""
        found = self._modules.named(before)
        if len(found) != 1:
            names = [module.name for module in found or self._modules.modules]
            several = f"has several: {format_list(names)}" if found else suggest(before, names)
            self.problems.append(f"--map: {self._origin} has no layer {before!r}; {several}")
            return
        slots = [slot for slot in self._slots if slot.layer.name == after]
        if not slots:
            names = [slot.layer.name for slot in self._slots]
            self.problems.append(
                f"--map: the network has no node {after!r} with parameters; {suggest(after, names)}"
            )
            return
        fitting = [slot for slot in slots if self.fits(slot, found[0])]
        free = [slot for slot in fitting or slots if slot.label not in self._filled]
        if not free:
            self.problems.append(f"--map: two layers are mapped to {after!r}; keep one of the two")
            return
        self._pair(free[0], found[0])

    def leave_out(self, slots: Iterable[Slot], modules: Iterable[str]) -> None:
        """Leave out slots and modules whose arrays the rules pair one by one."""
        self._filled |= {slot.label for slot in slots}
        self._taken |= set(modules)

    def match_names(self) -> None:
        """Pair nodes and modules that have a name of their own in common."""
        for slot in self._free_slots():
            found = self._modules.named(slot.layer.name) if slot.layer.is_named else []
            if len(found) == 1 and found[0].name not in self._taken and not slot.part:
                self._pair(slot, found[0])

    def match_shapes(self) -> None:
        """Pair what is left by shapes; where several fit each other, by their order."""
        slots, modules = self._free_slots(), self._free_modules()
        fits = {s.label: [m for m in modules if self.fits(s, m)] for s in slots}
        groups = []
        while slots:
            group, found = _connected(slots[0], slots, fits)
            slots = [slot for slot in slots if slot not in group]
            if found:
                groups.append((group, found))
        # Those whose order follows from layers before them come after these.
        in_order = [self._branches.are_in_order(s.layer.name for s in g) for g, _ in groups]
        for certain in (True, False):
            for (group, found), known in zip(groups, in_order, strict=True):
                if known is certain:
                    ordered = group if known else self._after_pairs(group, found)
                    self._match_group(group, ordered, found)

    def fits(self, slot: Slot, module: Module) -> bool:
        """Return True if a module has exactly the parameters of a slot."""
        shapes = tuple(slot.layer.params.items()), tuple(module.shapes.items())
        is_self = _is_self_attention(slot, module)
        key = (slot.layer.type, slot.part, slot.problem, is_self, *shapes)
        if key not in self._fits:
            self._fits[key] = self._fits_exactly(slot, module)
        return self._fits[key]

    def _fits_exactly(self, slot: Slot, module: Module) -> bool:
        tensors = self.tensors(slot, module)
        used = {name for tensor in tensors.values() for name in tensor.arrays}
        return (
            not slot.problem
            and _is_self_attention(slot, module) is not False
            and tensors.keys() == slot.sources.keys()
            and used == set(module.arrays.values())
            and all(t.source and t.shape == slot.layer.params[p] for p, t in tensors.items())
        )

    def _after_pairs(self, slots: list[Slot], modules: list[Module]) -> list[Slot]:
        """Return slots of parallel branches in the order of the layers before them in the file.

        Each module must be the next one of them after that layer; otherwise return no slots.
        """
        paired = {slot.layer.name: module for slot, module in self.pairing.pairs}
        before = [paired.get(self._branches.layer_before(s.layer.name) or "") for s in slots]
        known = {m.name: (m, s) for m, s in zip(before, slots, strict=True) if m is not None}
        names = {m.name: m for m in (*modules, *(m for m, _ in known.values()))}
        ordered = self._modules.sorted(names.values())
        if len(known) < len(slots) or ordered is None or len(slots) != len(modules):
            return []
        alternating = [module.name in known for module in ordered]
        if alternating != [True, False] * len(slots):
            return []
        return [known[module.name][1] for module in ordered[::2]]

    def tensors(self, slot: Slot, module: Module) -> dict[str, Converted]:
        """Return what a module has for the parameters of a slot."""
        result = {}
        for param, sources in slot.sources.items():
            own = [source for source in sources if module.arrays.keys() >= set(source.roles)]
            if own and not slot.problem:
                found = [convert(s, module, self._headers, self._separator) for s in own]
                shape = slot.layer.params[param]
                fitting = [tensor for tensor in found if tensor.source and tensor.shape == shape]
                result[param] = (*fitting, *found)[0]
        return result

    def _match_group(
        self, slots: list[Slot], slots_in_order: list[Slot], modules: list[Module]
    ) -> None:
        """Pair slots and modules that fit each other; no slots are in order if it is not known."""
        ordered = self._modules.sorted(modules)
        equal = len(slots) == len(modules)
        known = equal and ordered is not None and len(slots_in_order) == len(slots)
        if known and ordered is not None and all(map(self.fits, slots_in_order, ordered)):
            pairs = list(zip(slots_in_order, ordered, strict=True))
            for slot, module in pairs:
                self._pair(slot, module)
            if len(slots) > 1:
                named = ", ".join(f"{m.name} -> {s.label}" for s, m in pairs)
                self.pairing.notes.append(f"of equal shapes, paired by order: {named}")
            return
        self.pairing.undecided += slots
        self._taken |= {module.name for module in modules}
        self.undecided_arrays |= {name for m in modules for name in m.arrays.values()}
        if not equal:
            why = "their numbers differ"
        elif ordered is None:
            why = "the file does not tell their order"
        else:
            why = "they are in parallel branches of the network"
        options = " ".join(f"--map {module.name}=NODE" for module in modules[:_SHOWN])
        hint = ""
        if ordered is None and equal:
            hint = (
                " (a .npz file in the order of the model's weights would; once some are mapped,"
                " numbers in the names of the others may)"
            )
        self.pairing.ambiguous.append(
            f"layers of equal shapes cannot be paired, because {why}{hint}; write the node of"
            f" each: {options}"
            + _listed(f"{self._origin} has ", modules)
            + _listed("the network has ", slots)
        )

    def _pair(self, slot: Slot, module: Module) -> None:
        self.pairing.pairs.append((slot, module))
        self._filled.add(slot.label)
        self._taken.add(module.name)

    def _free_slots(self) -> list[Slot]:
        return [slot for slot in self._slots if slot.label not in self._filled]

    def _free_modules(self) -> list[Module]:
        return [m for m in self._modules.modules if m.name not in self._taken]


def _is_self_attention(slot: Slot, module: Module) -> bool | None:
    """Return True if both attend to the same sequence or both to another; None if not known."""
    last = module.name.rpartition(".")[2]
    if slot.layer.type != "multi_head_attention" or last not in (*_SELF, *_OTHER):
        return None
    return (last in _OTHER) == slot.layer.has_second_input


def _listed(start: str, items: Sequence[Slot | Module]) -> str:
    """Return a line for each of the first items, and the number of the others."""
    lines = [f"\n    {start} {item}" for item in items[:_SHOWN]]
    if len(items) > _SHOWN:
        lines.append(f"\n    {start} {len(items) - _SHOWN:,} more of these shapes")
    return "".join(lines)


def _connected(
    first: Slot, slots: Sequence[Slot], fits: Mapping[str, Sequence[Module]]
) -> tuple[list[Slot], list[Module]]:
    """Return the slots that compete with the first, also through others, and their modules."""
    labels = {first.label}
    names: set[str] = set()
    while True:
        names = {m.name for slot in slots if slot.label in labels for m in fits[slot.label]}
        wider = {s.label for s in slots if any(m.name in names for m in fits[s.label])} | labels
        if wider == labels:
            break
        labels = wider
    group = [slot for slot in slots if slot.label in labels]
    modules = {m.name: m for slot in group for m in fits[slot.label]}
    return group, list(modules.values())
