"""Lists of nodes and the blocks they use, as a tree: what is called what, and what feeds what."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from tinynet.spec.expansion.sources import Source
from tinynet.spec.expansion.variables import Scope
from tinynet.spec.graph import INPUT, is_input
from tinynet.text.document import MAX_KEY


@dataclass(frozen=True)
class Sharing:
    """A use of a block whose layers are those of another use: what the names of both begin with."""

    own: str
    other: str

    def owner(self, name: str) -> str:
        """The node of the other use whose layer stands at a node of this one."""
        return self.other + name.removeprefix(self.own) if name.startswith(self.own) else name


@dataclass
class Item:
    """One place in a list of nodes: a node, or a use of a block.

    Attributes:
        name: What it is called in the flat list.
        source: Where it is written.
        inputs: What it follows, in the words of its list; None for what stands before it.
        index: Its place in the flat list; None for a use of a block.
        inner: The block's nodes; None for a node.
    """

    name: str
    source: Source
    inputs: tuple[str, ...] | None
    index: int | None = None
    inner: "NodeList | None" = None

    @cached_property
    def output(self) -> str:
        """The node that gives its output, once all lists are there."""
        if self.inner is None or not self.inner.items:
            return self.name
        return self.inner.items[-1].output


@dataclass
class NodeList:
    """A list of nodes: the network's own, or that of one use of a block.

    Attributes:
        source: Where the list is written.
        scope: What names of variables and parameters stand for in it.
        prefix: What the names of its nodes begin with: ``residual_2.``, or nothing.
        inputs: What its nodes call its inputs; None in the network's own list.
        outer: The list that the use stands in, and its place there; None for the network's own.
        blocks: The blocks that it is within, the outermost first.
        frozen: Whether a use that it is within is not trainable.
        sharing: How the layers of its nodes are found, where they are those of other nodes.
        items: Its places, in order.
        by_name: The places, by the names that its own nodes know them by.
        last: The last time of each node that is repeated, by the name that it is given.
        input_sources: What feeds each of its inputs, by flat name, once it is connected.
    """

    source: Source
    scope: Scope
    prefix: str = ""
    inputs: tuple[str, ...] | None = None
    outer: "tuple[NodeList, int] | None" = None
    blocks: tuple[str, ...] = ()
    frozen: bool = False
    sharing: tuple[Sharing, ...] = ()
    items: list[Item] = field(default_factory=list)
    by_name: dict[str, Item] = field(default_factory=dict)
    last: dict[str, Item] = field(default_factory=dict)
    input_sources: dict[str, str] = field(default_factory=dict)

    def add(self, item: Item) -> None:
        """Put one more place at the end."""
        self.items.append(item)
        self.by_name.setdefault(item.name.removeprefix(self.prefix), item)

    def connect(self) -> None:
        """Find out what feeds its inputs, when that is known of the list that it stands in."""
        if self.outer is not None and self.inputs is not None:
            outer, place = self.outer
            self.input_sources = dict(zip(self.inputs, outer.sources(place), strict=True))

    def find(self, name: str, *, last: bool = False) -> Item | None:
        """The place that a node of the list knows by a name; uses of blocks are looked into.

        Args:
            name: The name.
            last: Whether the name that a repeated node is given means the last time of it.
        """
        end = len(name) if len(name) <= MAX_KEY else 0  # no name is as long
        while end > 0:
            item = self.by_name.get(name[:end])
            if item is not None and end == len(name):
                return item
            if item is not None and item.inner is not None:
                return item.inner.find(name[end + 1 :], last=last)
            end = name.rfind(".", 0, end)
        return self.last.get(name) if last else None

    def has(self, reference: str) -> bool:
        """Whether a node of the list can follow what it calls so."""
        if is_input(reference):
            return self.inputs is None or reference in self.input_sources
        return self.find(reference, last=True) is not None

    def resolve(self, reference: str) -> str:
        """The flat name of what a node of the list follows."""
        if is_input(reference):
            return self.input_sources.get(reference, reference)
        item = self.find(reference, last=True)
        return self.prefix + reference if item is None else item.output

    def candidates(self, reference: str) -> Iterator[str]:
        """What could have been meant by a name that means nothing."""
        use, _, _ = reference.rpartition(".")
        item = self.by_name.get(use)
        if item is not None and item.inner is not None:
            yield from (f"{use}.{name}" for name in item.inner.by_name)
            return
        yield from self.by_name
        _, _, within = reference.partition(".")
        for name, other in self.by_name.items():
            if within and other.inner is not None and other.inner.find(within) is not None:
                yield f"{name}.{within}"

    def network_inputs(self, place: int) -> Iterator[tuple[int, Source]]:
        """Which inputs of one of its places are the network's own, and where that is source."""
        for index, reference in enumerate(self.items[place].inputs or (INPUT,)):
            if is_input(reference) and (source := self._declared_at(place, reference)) is not None:
                yield index, source

    def _declared_at(self, place: int, reference: str) -> Source | None:
        """Where it is source that a place follows an input of the network, if it does."""
        item = self.items[place]
        if item.inputs is None and place > 0:
            return None
        if self.outer is None or self.inputs is None:
            index = 0 if item.inputs is None else item.inputs.index(reference)
            return item.source.part("inputs", index)
        outer, use = self.outer
        handed = dict(zip(self.inputs, outer.items[use].inputs or (INPUT,), strict=True))
        passed = handed.get(reference, "")
        return outer._declared_at(use, passed) if is_input(passed) else None

    def sources(self, place: int) -> tuple[str, ...]:
        """The flat names of what feeds one of its places."""
        item = self.items[place]
        if item.inputs is not None:
            return tuple(map(self.resolve, item.inputs))
        return (self.items[place - 1].output if place else self.resolve(INPUT),)

    def owner(self, reference: str) -> str:
        """The flat name of the node whose layer a node means."""
        name = self.resolve(reference)
        for sharing in self.sharing:
            name = sharing.owner(name)
        return name
