"""Cases: functions that show one behaviour or several of a server, and the world they are given."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NoReturn, TypeAlias

import aiohttp
import grpc.aio
from resources import CDS, FULL_STATE, Resource, heavy, make
from talk import Talk, Unmet
from target import Adapter, Target
from traces import Trace, short
from variant import Variant

Function: TypeAlias = Callable[["World"], Awaitable[None]]

_numbers: Final = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Case:
    """One function, in one variant, with one resource type."""

    rows: tuple[int, ...]
    function: Function
    variant: Variant
    type_url: str

    def __str__(self) -> str:
        return f"{self.function.__name__}[{self.variant}-{short(self.type_url)}]"


CASES: Final[list[Case]] = []


def case(*rows: int, variants: tuple[Variant, ...], types: tuple[str, ...] = (CDS,)) -> Callable[[Function], Function]:
    """Registers a function as evidence for these rows of the specification, in each variant and with each type."""

    def register(function: Function) -> Function:
        CASES.extend(Case(rows, function, variant, type_url) for variant in variants for type_url in types)
        return function

    return register


def load() -> list[Case]:
    """Every case of the suite."""
    for file in sorted(Path(__file__).with_name("cases").glob("*.py")):
        import_module(f"cases.{file.stem}")
    return CASES


@dataclass(slots=True)
class World:
    """What a case is given: a node group of its own, streams to the target, and the variant and type it runs in."""

    target: Target
    variant: Variant
    type_url: str
    group: str
    session: aiohttp.ClientSession
    channel: Any
    tasks: asyncio.TaskGroup
    talks: list[Talk] = field(default_factory=list)
    adapters: dict[str, Adapter] = field(default_factory=dict)
    sentinels: list[Resource] = field(default_factory=list)
    absent: bool = False

    @property
    def dialect(self) -> str:
        """`sotw` or `delta`."""
        return self.variant.dialect

    def make(self, name: str, mark: str = "1") -> Resource:
        """A resource of the case's type."""
        return make(self.type_url, name, mark)

    def heavy(self, name: str, size: int, mark: str = "1") -> Resource:
        """A resource of the case's type, of about so many bytes."""
        return heavy(self.type_url, name, size, mark)

    async def set(self, *resources: Resource, group: str = "") -> None:
        """The group has exactly these resources from now on."""
        self._note("set")
        await self._adapter(group).set((*resources, *(() if group else self.sentinels)))

    async def add(self, *resources: Resource) -> None:
        """The group has these, too."""
        self._note("add")
        await self._adapter().add(resources)

    async def sentinel(self, one: Resource) -> None:
        """The group has this, too, and keeps it whatever is set."""
        self.sentinels.append(one)
        await self.add(one)

    async def update(self, *resources: Resource) -> None:
        """These take the place of those with the same names."""
        self._note("update")
        await self._adapter().update(resources)

    async def remove(self, *resources: Resource) -> None:
        """The group no longer has these."""
        self._note("remove")
        await self._adapter().remove(resources)

    async def clear(self) -> None:
        """Nothing is known of the group any more."""
        self._note("clear")
        await self._adapter().clear()

    def talk(self, *, node: dict[str, Any] | None = None, type_url: str = "", path: str = "") -> Talk:
        """Opens a stream: of the case's variant and type unless others are given, with the group's first node."""
        node = {"id": self.group, "cluster": self.group} if node is None else node
        call = self.channel.stream_stream(path or self.variant.path(type_url or self.type_url))()
        trace = Trace(f"{self.group}.{len(self.talks) + 1}", self.variant.single)
        talk = Talk(call, trace, self.dialect, node, self.sentinel)
        self.talks.append(talk)
        self.tasks.create_task(talk.listen())
        return talk

    async def client(self, *resources: Resource, wildcard: bool = False) -> Talk:
        """The group has these, of the case's type, and a client has them too: by their names or by a wildcard; without a
        word for it where the type knows that, for not every server knows the other form.
        """
        await self.set(*resources)
        talk = self.talk()
        everything = [] if self.type_url in FULL_STATE else ["*"]
        await talk.want(self.type_url, *(everything if wildcard else [one.name for one in resources]))
        await talk.becomes(self.type_url, *resources)
        return talk

    def lacks(self, what: str) -> NoReturn:
        """The target does not have the service that the case is about."""
        self.absent = True
        raise Unmet(f"the target has no {what}")

    def second(self) -> dict[str, Any]:
        """Another node of the same group."""
        return {"id": f"{self.group}~2", "cluster": self.group}

    def _adapter(self, group: str = "") -> Adapter:
        group = group or self.group
        return self.adapters.setdefault(group, Adapter(self.session, self.target, group))

    def _note(self, what: str) -> None:
        for talk in self.talks:
            talk.note(what)

    def traces(self) -> Iterator[Trace]:
        """What went over the wire."""
        return (talk.trace for talk in self.talks)


@asynccontextmanager
async def world(target: Target, session: aiohttp.ClientSession, one: Case) -> AsyncIterator[World]:
    """A world of its own for one case; its streams end with it."""
    group = f"group-{next(_numbers)}"
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]
    async with grpc.aio.insecure_channel(target.xds, options=options) as channel, asyncio.TaskGroup() as tasks:
        made = World(target, one.variant, one.type_url, group, session, channel, tasks)
        try:
            yield made
        finally:
            for talk in made.talks:
                talk.call.cancel()
