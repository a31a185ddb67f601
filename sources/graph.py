"""Derived values over changing inputs: the incremental engine under the sources.

A source says what it derives as plain functions, `function(read, argument) -> value`, which reach everything they need
through `read`: inputs, groups of inputs, and the values of other functions. The graph keeps every value and remembers
who read what; "there was none" is a reading too. After a change it computes again only what may have become different:

1. `change` touches inputs and groups, and casts *doubt* on everything that stands on them. Nothing is computed yet.
2. Reading a value that is in doubt first settles what it had read. The function runs again only if some of that has
   *changed*; and if it then returns an equal value, the old one stays, and nobody above hears of it.
3. `sweep` forgets what nobody reads any more.

So a change costs what it touches, not what exists, and what did not change stays the identical object. Functions must
be pure, their arguments hashable, and their values frozen and comparable; then the values are always those of a new
graph with the same inputs. A function may be asked once more about an input that is gone, and must bear it.

    graph = Graph({"owner": lambda key, pet: [pet.owner]})
    graph.change("rex", Pet(owner="ann", age=3))

    def ages(read: Reader, owner: str) -> int:
        return sum(read.input(name).age for name in read.group("owner", owner))

    graph.get(ages, "ann")
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Final, Protocol, TypeVar

A = TypeVar("A", bound=Hashable)
E = TypeVar("E", bound=Hashable)
T = TypeVar("T")

Index = Callable[[Any, Any], Iterable[Hashable]]
"""(key, input) -> the groups that the input belongs to. Pure."""

NEVER: Final = object()
"""The value of what was not computed yet: equal to nothing."""

NONE: Final[Any] = frozenset()
"""Stands for a set as long as nothing is in it: there are many nodes, and most have nothing in most of their sets."""


class Reader(Protocol):
    """What a function reads through. All that it reads here, and nothing else, makes it run again."""

    def input(self, key: Hashable) -> Any:
        """The input with this key; None when there is none."""
        ...

    def group(self, index: str, group: Hashable) -> frozenset[Any]:
        """The keys of the inputs that an index puts into a group, in no order."""
        ...

    def get(self, function: Callable[[Reader, A], T], argument: A) -> T:
        """The value of a function."""
        ...

    def each(self, function: Callable[[Reader, A], T], arguments: frozenset[A]) -> Mapping[A, T]:
        """The value of a function for each argument, in no order.

        Of a thousand, those that changed cost something, and the others next to nothing. A function calls it once at
        most for each function.
        """
        ...

    def tally(
        self, function: Callable[[Reader, A], T], arguments: frozenset[A], elements: Callable[[T], Iterable[E]]
    ) -> Mapping[E, int]:
        """How many of these values have an element, for each element that any of them has, in no order.

        It costs as `each` does. `elements` must be pure and hashable: one that equals another stands for the same.
        """
        ...


class Graph:
    """Inputs by key, indexes over them by name, and all values derived from them that somebody reads."""

    def __init__(self, indexes: Mapping[str, Index]) -> None:
        self._indexes = indexes
        self._nodes = _Nodes()
        self._outside = _Node(self._nodes, (None, None))

    def change(self, key: Hashable, value: Any | None) -> None:
        """From now on the input with this key is `value`; None takes it away."""
        before = self._nodes.inputs.pop(key, None)
        if value is not None:
            self._nodes.inputs[key] = value
        self._nodes.touch((_input, key))
        for name, index in self._indexes.items():
            old = frozenset(() if before is None else index(key, before))
            new = frozenset(() if value is None else index(key, value))
            for group in old ^ new:
                self._move(key, (name, group), joins=group in new)

    def get(self, function: Callable[[Reader, A], T], argument: A) -> T:
        """The value of a function, as things are now. It is kept up from now on."""
        return self._outside.get(function, argument)

    def sweep(self) -> None:
        """Forgets the values that nobody reads any more."""
        while self._nodes.idle:
            node = self._nodes.idle.pop()
            if not node.readers:
                del self._nodes.known[node.identity]
                node.unlink(node.reads)

    def __len__(self) -> int:
        """How many values are kept."""
        return len(self._nodes.known)

    def _move(self, key: Hashable, place: tuple[str, Hashable], *, joins: bool) -> None:
        members = self._nodes.groups.setdefault(place, {})
        if joins:
            members[key] = None
        else:
            del members[key]
        if not members:
            del self._nodes.groups[place]
        self._nodes.touch((_members, place))


class _Nodes:
    """What all nodes of a graph share."""

    def __init__(self) -> None:
        self.inputs: dict[Hashable, Any] = {}
        self.groups: dict[tuple[str, Hashable], dict[Hashable, None]] = {}
        self.known: dict[tuple[Any, Any], _Node] = {}
        self.idle: set[_Node] = set()

    def touch(self, identity: tuple[Any, Any]) -> None:
        """Marks a leaf as changed and casts doubt on what stands on it."""
        node = self.known.get(identity)
        if node is not None:
            node.changes = _with(node.changes, node)
            node.cast_doubt()


class _Node:
    """One value and its place in the graph: what it read, who reads it, which readings are in doubt or have changed."""

    __slots__ = ("changes", "doubts", "identity", "nodes", "readers", "reads", "value")

    def __init__(self, nodes: _Nodes, identity: tuple[Any, Any]) -> None:
        self.nodes, self.identity = nodes, identity
        self.value: Any = NEVER
        self.reads: set[_Node] = set()
        self.readers: set[_Node] = set()
        self.doubts: set[_Node] = NONE
        self.changes: set[_Node] = {self}

    def input(self, key: Hashable) -> Any:
        return self.get(_input, key)

    def group(self, index: str, group: Hashable) -> frozenset[Any]:
        return self.get(_members, (index, group))

    def get(self, function: Callable[[Reader, A], T], argument: A) -> T:
        identity = (function, argument)
        node = self.nodes.known.get(identity)
        if node is None:
            node = self.nodes.known[identity] = _Node(self.nodes, identity)
        value: T = self.take(node)
        return value

    def each(self, function: Callable[[Reader, A], T], arguments: frozenset[A]) -> Mapping[A, T]:
        node = self.nodes.known.get((function, self))
        if node is None:
            node = self.nodes.known[function, self] = _Each(self.nodes, (function, self), function)
        value: Mapping[A, T] = self.ask(node, arguments)
        return value

    def tally(
        self, function: Callable[[Reader, A], T], arguments: frozenset[A], elements: Callable[[T], Iterable[E]]
    ) -> Mapping[E, int]:
        identity = ((function, elements), self)
        node = self.nodes.known.get(identity)
        if node is None:
            node = self.nodes.known[identity] = _Tally(self.nodes, identity, function)
        value: Mapping[E, int] = self.ask(node, arguments)
        return value

    def ask(self, node: _Node, arguments: frozenset[Any]) -> Any:
        """The value of a node over many arguments, which are these from now on."""
        assert isinstance(node, _Each)
        assert node not in self.reads or node.arguments == arguments, "a function calls each once for each function"
        if arguments is not node.arguments and arguments != node.arguments:
            node.changes = _with(node.changes, node)
        node.arguments = arguments
        return self.take(node)

    def take(self, node: _Node) -> Any:
        """The value of another node, noted as read by this one."""
        if node.doubts or node.changes:
            node.settle()
        self.reads.add(node)
        node.readers.add(self)
        return node.value

    def cast_doubt(self) -> None:
        """Tells everything that stands on this node, unless it was told before."""
        for reader in self.readers:
            told = bool(reader.doubts)
            reader.doubts = _with(reader.doubts, self)
            if not told:
                reader.cast_doubt()

    def settle(self) -> None:
        """Makes the value right. A doubt stays until it is settled, so an exception on the way loses nothing."""
        while self.doubts and not self.changes:
            node = next(iter(self.doubts))
            node.settle()
            self.doubts.discard(node)
        if self.changes:
            self.compute()
        self.doubts = self.changes = NONE

    def compute(self) -> None:
        """Runs the function, and links and unlinks what it reads now and what it had read."""
        function, argument = self.identity
        before, self.reads = self.reads, set()
        value = function(self, argument)
        self.unlink(before - self.reads)
        self.reads = self.reads or NONE
        if value != self.value:
            self.publish(value)

    def publish(self, value: Any) -> None:
        """A new value; its readers have a changed reading."""
        self.value = value
        for reader in self.readers:
            reader.changes = _with(reader.changes, self)

    def unlink(self, gone: Iterable[_Node]) -> None:
        """These are read no more."""
        for node in gone:
            node.readers.discard(self)
            if not node.readers:
                self.nodes.idle.add(node)


class _Each(_Node):
    """A mapping from arguments to a function's values, kept up by the changed ones alone."""

    __slots__ = ("arguments", "found", "function")

    def __init__(self, nodes: _Nodes, identity: tuple[Any, Any], function: Callable[[Reader, Any], Any]) -> None:
        super().__init__(nodes, identity)
        self.function, self.arguments = function, frozenset[Any]()
        self.value = self.found = dict[Any, Any]()

    def settle(self) -> None:
        while self.doubts:
            node = next(iter(self.doubts))
            node.settle()
            self.doubts.discard(node)
        if self.changes:
            self.compute()
        self.doubts = self.changes = NONE

    def compute(self) -> None:
        found = dict(self.found)
        touched = {node.identity[1]: node.value for node in self.changes - {self}}
        found |= touched
        if self in self.changes:
            touched = dict.fromkeys((*touched, *self.shrink(found), *self.grow(found)))
        before, self.found = self.found, found
        self.keep(before, touched)

    def keep(self, _before: Mapping[Any, Any], _touched: Iterable[Any]) -> None:
        """Publishes what was found, of which the touched arguments may have other values than before."""
        self.publish(self.found)

    def shrink(self, found: dict[Any, Any]) -> Iterable[Any]:
        """Arguments that are not asked for any more go, and are read no more."""
        gone = set(found).difference(self.arguments)
        nodes = [self.nodes.known[self.function, argument] for argument in gone]
        for argument in gone:
            del found[argument]
        self.reads.difference_update(nodes)
        self.unlink(nodes)
        return gone

    def grow(self, found: dict[Any, Any]) -> Iterable[Any]:
        """New arguments are read."""
        new = self.arguments.difference(found)
        for argument in new:
            found[argument] = self.get(self.function, argument)
        return new


class _Tally(_Each):
    """How many of a function's values have each element, kept up by the changed values alone."""

    __slots__ = ()

    def keep(self, before: Mapping[Any, Any], touched: Iterable[Any]) -> None:
        (_, elements), _ = self.identity
        counts = dict(self.value)
        for values, step in ((before, -1), (self.found, 1)):
            for argument in touched:
                for element in elements(values[argument]) if argument in values else ():
                    counts[element] = counts.get(element, 0) + step
                    if not counts[element]:
                        del counts[element]
        if counts != self.value:
            self.publish(counts)


def _with(nodes: set[_Node], node: _Node) -> set[_Node]:
    if not nodes:
        return {node}
    nodes.add(node)
    return nodes


def _input(read: Reader, key: Hashable) -> Any:
    assert isinstance(read, _Node)
    return read.nodes.inputs.get(key)


def _members(read: Reader, place: tuple[str, Hashable]) -> frozenset[Any]:
    assert isinstance(read, _Node)
    return frozenset(read.nodes.groups.get(place, ()))
