"""The lists of nodes of a network and of its instances of blocks, as a tree."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from tinynet.spec.expansion.sources import Source
from tinynet.spec.expansion.variables import Scope
from tinynet.spec.graph import INPUT, is_input, node_of
from tinynet.text.places import MAX_KEY


@dataclass
class Item:
    """An element of a list of nodes: a node, or an instance of a block."""

    name: str  # in the flat list
    source: Source  # its place in the spec
    inputs: tuple[str, ...] | None  # their names in its list; None for the element before it
    flat_index: int | None = None  # in the flat list; None for an instance of a block
    inner: "NodeList | None" = None  # the block's nodes; None for a node

    @cached_property
    def output(self) -> str:
        """The node that computes its output, once all lists are complete."""
        if self.inner is None or not self.inner.items:
            return self.name
        return self.inner.items[-1].output


@dataclass
class NodeList:
    """A list of nodes: the network's own, or that of one instance of a block.

    Attributes:
        source: The place of the list.
        scope: The variables and parameters that its nodes can refer to.
        prefix: Prefix of the names of its nodes: ``residual_2.``, or an empty one.
        inputs: The names of its inputs within it; None in the network's own list.
        outer: The list around it, and the index in that of the instance whose nodes these are; None
            for the network's own list.
        blocks: The blocks around it, the outermost first.
        frozen: True if an instance around it is not trainable.
        sharing: For each instance around it that shares the layers of another: the prefix of its
            names, ``b.``, and the prefix of the other's, ``a.``; the innermost first.
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
            outer, index = self.outer
            self.input_sources = dict(zip(self.inputs, outer.sources(index), strict=True))

    def find(self, name: str, *, last: bool = False) -> Item | None:
        """Return the element with a name in the list, or in an instance: ``residual_2.conv2d_1``.

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
        return self.find(node_of(reference), last=True) is not None

    def resolve(self, reference: str) -> str:
        """Return the flat name of an input of a node of the list."""
        if is_input(reference):
            return self.input_sources.get(reference, reference)
        node, colon, output = reference.partition(":")
        item = self.find(node, last=True)
        return self.prefix + reference if item is None else item.output + colon + output

    def candidates(self, reference: str) -> Iterator[str]:
        """Yield the names that a misspelled one may mean."""
        instance, _, _ = reference.rpartition(".")
        item = self.by_name.get(instance)
        if item is not None and item.inner is not None:
            yield from (f"{instance}.{name}" for name in item.inner.by_name)
            return
        yield from self.by_name
        _, _, within = reference.partition(".")
        for name, other in self.by_name.items():
            if within and other.inner is not None and other.inner.find(within) is not None:
                yield f"{name}.{within}"

    def network_inputs(self, index: int) -> Iterator[tuple[int, Source]]:
        """Yield the indices of those inputs of an element that are the network's own, and sources.

        The source is the place that passes the input of the network to the outermost instance.
        """
        for input_index, reference in enumerate(self.items[index].inputs or (INPUT,)):
            source = self._network_input(index, reference) if is_input(reference) else None
            if source is not None:
                yield input_index, source

    def _network_input(self, index: int, reference: str) -> Source | None:
        """Return the source of an input of an element; None if it is not the network's own."""
        item = self.items[index]
        if item.inputs is None and index > 0:
            return None
        if self.outer is None or self.inputs is None:
            input_index = 0 if item.inputs is None else item.inputs.index(reference)
            return item.source.part("inputs", input_index)
        outer, outer_index = self.outer
        passed = dict(zip(self.inputs, outer.items[outer_index].inputs or (INPUT,), strict=True))
        outer_reference = passed.get(reference, "")
        if not is_input(outer_reference):
            return None
        return outer._network_input(outer_index, outer_reference)

    def sources(self, index: int) -> tuple[str, ...]:
        """Return the flat names of the inputs of an element."""
        item = self.items[index]
        if item.inputs is not None:
            return tuple(map(self.resolve, item.inputs))
        return (self.items[index - 1].output if index else self.resolve(INPUT),)

    def find_shared(self, name: str) -> Item | None:
        """Return the element whose layer or parameters a node of the list shares by a name.

        A name that the list lacks is looked up in the list around it, and so on outwards.
        """
        found = (node_list.find(name) for node_list in self.outwards())
        return next(filter(None, found), None)

    def outwards(self) -> "Iterator[NodeList]":
        """Yield the list and the lists around it, the innermost first."""
        node_list = self
        yield node_list
        while node_list.outer is not None:
            node_list, _ = node_list.outer
            yield node_list

    def owner(self, reference: str) -> str:
        """Return the flat name of the node that owns a layer."""
        item = self.find_shared(reference)
        name = self.prefix + reference if item is None else item.output
        for prefix, owner_prefix in self.sharing:
            if name.startswith(prefix):
                name = owner_prefix + name.removeprefix(prefix)
        return name
