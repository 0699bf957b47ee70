"""The lists of nodes of a network and of its uses of blocks, as a tree."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from tinynet.spec.expansion.sources import Source
from tinynet.spec.expansion.variables import Scope
from tinynet.spec.graph import INPUT, is_input
from tinynet.text.document import MAX_KEY


@dataclass
class Item:
    """An element of a list of nodes: a node, or a use of a block."""

    name: str  # in the flat list
    source: Source  # its place in the spec
    inputs: tuple[str, ...] | None  # their names in its list; None for the element before it
    index: int | None = None  # in the flat list; None for a use of a block
    inner: "NodeList | None" = None  # the block's nodes; None for a node

    @cached_property
    def output(self) -> str:
        """The node that computes its output, once all lists are complete."""
        if self.inner is None or not self.inner.items:
            return self.name
        return self.inner.items[-1].output


@dataclass
class NodeList:
    """A list of nodes: the network's own, or that of one use of a block.

    Attributes:
        source: The place of the list.
        scope: The variables and parameters that its nodes can refer to.
        prefix: Prefix of the names of its nodes: ``residual_2.``, or an empty one.
        inputs: The names of its inputs within it; None in the network's own list.
        outer: The list with the use, and the use's index in it; None for the network's own.
        blocks: The blocks around it, the outermost first.
        frozen: True if a use around it is not trainable.
        sharing: Prefixes of names: of a use of a block, and of the use whose layers it shares.
        items: Its elements, in order.
        by_name: The elements by their names within the list.
        last: The last repeat of each repeated node, by its declared name.
        input_sources: The flat name of the node behind each of its inputs, after `connect`.
    """

    source: Source
    scope: Scope
    prefix: str = ""
    inputs: tuple[str, ...] | None = None
    outer: "tuple[NodeList, int] | None" = None
    blocks: tuple[str, ...] = ()
    frozen: bool = False
    sharing: tuple[tuple[str, str], ...] = ()
    items: list[Item] = field(default_factory=list)
    by_name: dict[str, Item] = field(default_factory=dict)
    last: dict[str, Item] = field(default_factory=dict)
    input_sources: dict[str, str] = field(default_factory=dict)

    def add(self, item: Item) -> None:
        """Append an element."""
        self.items.append(item)
        self.by_name.setdefault(item.name.removeprefix(self.prefix), item)

    def connect(self) -> None:
        """Resolve its inputs; the list around it must be connected."""
        if self.outer is not None and self.inputs is not None:
            outer, place = self.outer
            self.input_sources = dict(zip(self.inputs, outer.sources(place), strict=True))

    def find(self, name: str, *, last: bool = False) -> Item | None:
        """Return the element with a name within the list, also one inside of a use: ``use.node``.

        With ``last`` the declared name of a repeated node means its last repeat.
        """
        end = len(name) if len(name) <= MAX_KEY else 0  # names are shorter
        while end > 0:
            item = self.by_name.get(name[:end])
            if item is not None and end == len(name):
                return item
            if item is not None and item.inner is not None:
                return item.inner.find(name[end + 1 :], last=last)
            end = name.rfind(".", 0, end)
        return self.last.get(name) if last else None

    def has(self, reference: str) -> bool:
        """Return True if a node of the list can use a name as an input."""
        if is_input(reference):
            return self.inputs is None or reference in self.input_sources
        return self.find(reference, last=True) is not None

    def resolve(self, reference: str) -> str:
        """Return the flat name of an input of a node of the list."""
        if is_input(reference):
            return self.input_sources.get(reference, reference)
        item = self.find(reference, last=True)
        return self.prefix + reference if item is None else item.output

    def candidates(self, reference: str) -> Iterator[str]:
        """Yield names that a misspelt one may mean."""
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
        """Yield the inputs of an element that are the network's own, with their places."""
        for index, reference in enumerate(self.items[place].inputs or (INPUT,)):
            if is_input(reference) and (source := self._declared_at(place, reference)) is not None:
                yield index, source

    def _declared_at(self, place: int, reference: str) -> Source | None:
        """Return the place where an input of the network is passed to an element, or None."""
        item = self.items[place]
        if item.inputs is None and place > 0:
            return None
        if self.outer is None or self.inputs is None:
            index = 0 if item.inputs is None else item.inputs.index(reference)
            return item.source.part("inputs", index)
        outer, use = self.outer
        arguments = dict(zip(self.inputs, outer.items[use].inputs or (INPUT,), strict=True))
        passed = arguments.get(reference, "")
        return outer._declared_at(use, passed) if is_input(passed) else None

    def sources(self, place: int) -> tuple[str, ...]:
        """Return the flat names of the inputs of an element."""
        item = self.items[place]
        if item.inputs is not None:
            return tuple(map(self.resolve, item.inputs))
        return (self.items[place - 1].output if place else self.resolve(INPUT),)

    def owner(self, reference: str) -> str:
        """Return the flat name of the node that owns a layer."""
        name = self.resolve(reference)
        for own, other in self.sharing:
            if name.startswith(own):
                name = other + name.removeprefix(own)
        return name
