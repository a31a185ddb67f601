"""The plug-in surface: the interfaces that providers, sources, hooks and runners fulfil. Ours have no others.

A plug-in is a class whose constructor takes its own settings, a frozen `msgspec.Struct` named by its class attribute
`Settings`; the section under the plug-in's name in the settings file is decoded into it. It is found through the entry
point group of its role: `legation.providers`, `legation.sources`, `legation.hooks`, `legation.on_demand`,
`legation.runners`, `legation.nodes`, `legation.authenticators`, `legation.load_sinks`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from xds.model.event import Event
from xds.model.key import Key, Kind
from xds.model.load import Load
from xds.model.node import Node, NodeGroup
from xds.model.object import Object, Objects
from xds.model.principal import Principal
from xds.model.resource import Resource
from xds.model.status import Condition, Diagnostic, Status
from xds.model.translation import Translation


@runtime_checkable
class Provider(Protocol):
    """Where objects come from.

    `watch` yields Put and Delete in order, Listed once after the first full pass, and Report for what is no object's
    own fault. It ends only when it is cancelled. It may raise: the pipeline starts it again with growing pauses and
    keeps what it last said; objects that the new pass does not name before its Listed are then gone. An asynchronous
    generator is closed by the task that reads it, so it may have tasks of its own.
    """

    def watch(self, kinds: Collection[Kind]) -> AsyncIterator[Event]:
        """The events of these kinds, until cancelled. Objects of other kinds may be said and are ignored with a warning."""
        ...


@runtime_checkable
class StatusWriter(Protocol):
    """A provider's second face: takes statuses back to where the objects came from.

    Others may write to the same statuses. A writer knows by itself which entries are its own, and leaves theirs alone.
    """

    async def write(self, statuses: Mapping[Key, Status]) -> None:
        """Writes these statuses; of an object with an empty one, `Status()`, it takes out what is its own, if anything is.

        Many are of objects of other providers, or stand there already: that costs nothing. Returns when they are written,
        and says itself, once, of which single ones that cannot be done. May raise, when nothing can be written: then all
        of these are given again after a pause.
        """
        ...

    def lapsed(self) -> AsyncIterator[Collection[Key]]:
        """The objects whose status is to be given again, whenever there are some: because somebody changed what was
        written, or because it could not be written when it was given. Until cancelled.
        """
        ...


@runtime_checkable
class Leadership(Protocol):
    """A provider's third face: which one of several replicas leads. Every replica serves xDS; only the one that leads
    writes statuses and runs proxies. Without this face, each does.
    """

    def lead(self) -> AsyncIterator[bool]:
        """Whether this replica leads: first as it is, then whenever that changes, until cancelled; then it gives leadership
        up. It says that it does not before another one may begin. While it fails, this replica does not lead.
        """
        ...


@runtime_checkable
class Source(Protocol):
    """A configuration language. Pure: no I/O, no clock, no randomness; same objects, same result."""

    kinds: frozenset[Kind]

    def check(self, one: Object) -> Sequence[Diagnostic]:
        """What is wrong with this object on its own. An ERROR keeps it out, and the last good one in force."""
        ...

    def translate(self, objects: Objects) -> Translation:
        """Everything that these objects mean. Unchanged input gives the same Resource objects as the call before."""
        ...


@runtime_checkable
class Refusing(Protocol):
    """A source's second face: where on a refused object its author is told so. Without it, on the object as a whole."""

    def refuse(self, one: Object, condition: Condition, last: Status) -> Status:
        """The status of an object with an error of its own, as things stand since the last translation. `condition` says
        that it is not accepted, and why; `last` is the status of its last good version, empty where there is none.
        """
        ...


@runtime_checkable
class Installable(Protocol):
    """A source's third face: what a cluster has to know of it (`legation manifests`). Both are attributes of the class."""

    reported: frozenset[Kind]
    """The kinds whose objects it gives statuses: those statuses may be written, and no others."""
    definitions: Sequence[Mapping[str, Any]]
    """The CustomResourceDefinitions of the kinds that are its own."""


@runtime_checkable
class Hook(Protocol):
    """Edits one built resource's message on its way out. Pure.

    `message` is the full protobuf name of the resource type it wants, for instance `envoy.config.cluster.v3.Cluster`.
    """

    message: str

    def edit(self, message: Any) -> Any | None:
        """The protobuf message to send: the one given (it may be changed in place), another, or None to drop it."""
        ...


@runtime_checkable
class OnDemand(Protocol):
    """Makes what a proxy asks for by name and no source configured: a cluster for a host that a request came for (ODCDS),
    a virtual host (VHDS), a route configuration, a secret.

    It is asked once for each name of a node group, however many of its proxies want it, and the proxies wait: for ten
    seconds at the most. What it makes is the group's for as long as one of its proxies subscribes to that name. What is
    configured under a name always comes before what was made.
    """

    types: frozenset[str]
    """The type URLs that it may be asked for."""

    async def make(self, group: str, type_url: str, name: str) -> Resource | Sequence[Resource] | None:
        """The resource with this name, or with this alias; several, where it needs others (a cluster its endpoints); None
        when there is no such thing. May raise: then nothing is known, and proxies keep what they have.
        """
        ...


@runtime_checkable
class ProxyRunner(Protocol):
    """Where proxies run: this host, a cluster."""

    async def run(self, xds_address: tuple[str, int]) -> None:
        """Keeps the proxies of the last `reconcile` alive until cancelled; then drains and ends them all."""
        ...

    async def reconcile(self, groups: Collection[NodeGroup]) -> None:
        """Makes the running proxies match: one set of proxies for each group, none for others. Level-triggered.

        It is asked only for groups that are `hosted`, and for none at all when another replica leads: that one runs them.
        """
        ...

    def hurry(self) -> None:
        """Ends the drains that are under way at once: somebody pressed Ctrl-C a second time. `run` returns soon after."""
        ...


@runtime_checkable
class Grouping(Protocol):
    """Which node group a node belongs to. Pure."""

    def group(self, node: Node) -> str:
        """The name of its group; empty for a node that belongs to none, which is then refused."""
        ...


@runtime_checkable
class LoadSink(Protocol):
    """Where load reports of proxies go."""

    async def take(self, load: Load) -> None:
        """Takes one report. That proxy's next one waits for it. What it raises is logged, and the report lost."""
        ...


@runtime_checkable
class Authenticator(Protocol):
    """Who asks: takes what a client sends along, for instance a bearer token, and says whose it is.

    It is asked once for each stream, before anything is read of it. What it raises refuses that stream for now
    (UNAVAILABLE), and so does an answer that takes longer than ten seconds.
    """

    async def authenticate(self, metadata: Mapping[str, str], certified: Principal | None) -> Principal | None:
        """Who sent this metadata (lower-case names, such as `authorization`), or None when it proves nothing.

        `certified` is who the client's certificate says it is, None where there is none.
        """
        ...
