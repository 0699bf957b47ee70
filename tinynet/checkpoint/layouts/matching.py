"""Pairs of modules of a file and slots of a network: by the rules, names, shapes and order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tinynet.checkpoint.layouts.converted import Converted, convert
from tinynet.checkpoint.layouts.modules import Module, ModuleList
from tinynet.checkpoint.layouts.slots import Slot
from tinynet.files.array_header import ArrayHeader
from tinynet.text.wording import format_list, suggest


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
    ) -> None:
        """Take both sides; ``origin`` is the name of the file in messages."""
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
        while slots:
            group, found = _connected(slots[0], slots, fits)
            slots = [slot for slot in slots if slot not in group]
            if found:
                self._match_group(group, found)

    def fits(self, slot: Slot, module: Module) -> bool:
        """Return True if a module has exactly the parameters of a slot."""
        tensors = self.tensors(slot, module)
        used = {name for tensor in tensors.values() for name in tensor.arrays}
        return (
            not slot.problem
            and tensors.keys() == slot.sources.keys()
            and used == set(module.arrays.values())
            and all(t.source and t.shape == slot.layer.params[p] for p, t in tensors.items())
        )

    def tensors(self, slot: Slot, module: Module) -> dict[str, Converted]:
        """Return what a module has for the parameters of a slot."""
        result = {}
        for param, sources in slot.sources.items():
            own = [source for source in sources if module.arrays.keys() >= set(source.roles)]
            if own and not slot.problem:
                result[param] = convert(own[0], module, self._headers, self._separator)
        return result

    def _match_group(self, slots: list[Slot], modules: list[Module]) -> None:
        """Pair slots and modules that fit each other."""
        ordered = self._modules.sorted(modules)
        equal = len(slots) == len(modules)
        if equal and ordered is not None and all(map(self.fits, slots, ordered)):
            for slot, module in zip(slots, ordered, strict=True):
                self._pair(slot, module)
            if len(slots) > 1:
                pairs = (f"{m.name} -> {s.label}" for s, m in zip(slots, ordered, strict=True))
                self.pairing.notes.append(f"of equal shapes, paired by order: {', '.join(pairs)}")
            return
        self.pairing.undecided += slots
        self._taken |= {module.name for module in modules}
        self.undecided_arrays |= {name for m in modules for name in m.arrays.values()}
        why = "their order is not known" if equal else "their numbers differ"
        example = zip(ordered or modules, slots, strict=False)
        options = " ".join(f"--map {m.name}={s.layer.name}" for m, s in example)
        self.pairing.ambiguous.append(
            f"layers of equal shapes cannot be paired, because {why}; write the right pairs, such"
            f" as {options}"
            + "".join(f"\n    {self._origin} has  {module}" for module in modules)
            + "".join(f"\n    the network has  {slot}" for slot in slots)
        )

    def _pair(self, slot: Slot, module: Module) -> None:
        self.pairing.pairs.append((slot, module))
        self._filled.add(slot.label)
        self._taken.add(module.name)

    def _free_slots(self) -> list[Slot]:
        return [slot for slot in self._slots if slot.label not in self._filled]

    def _free_modules(self) -> list[Module]:
        return [m for m in self._modules.modules if m.name not in self._taken]


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
