"""Talks: one stream of one client, in either dialect, over plain gRPC.

A talk keeps what its client would keep: what it asked for, the versions it accepted, and what it holds. A case says
what the client does and what it must then have; how that looks in each dialect is written here, once.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

from line import Line, Unmet
from resources import FULL_STATE, RTDS, Resource, make
from traces import TICK, Got, Trace, short

A_WHILE: Final = 0.4
"""Seconds of listening, where no sentinel can be asked for."""


@dataclass(slots=True)
class Known:
    """What the client knows of one type."""

    names: list[str] = field(default_factory=list)
    version: str = ""
    nonce: str = ""
    holds: dict[str, bytes] = field(default_factory=dict)
    refused: bool = False
    unanswered: bool = False
    asked: bool = False
    legacy: bool = False


class Talk(Line):
    """One stream of a client that keeps what it hears. `add` tells the server of another resource."""

    def __init__(self, call: Any, trace: Trace, dialect: str, node: dict[str, Any], add: Callable[..., Coroutine]) -> None:
        super().__init__(call, trace, dialect, node)
        self._add = add
        self._known: dict[str, Known] = {}
        self._ticks = 0

    def known(self, type_url: str) -> Known:
        """What the client knows of a type."""
        return self._known.setdefault(type_url, Known())

    # The client speaks

    async def want(self, type_url: str, *names: str, **fields: Any) -> None:
        """Asks for these, besides what is wanted already. No name at all is at first everything, for some types."""
        known = self.known(type_url)
        if not names and not known.asked:
            known.legacy = type_url in FULL_STATE
        elif names and self.dialect == "sotw":
            known.legacy = False
        known.asked = True
        known.names += [name for name in names if name not in known.names]
        if self.dialect == "delta":
            await self.send(type_url, resource_names_subscribe=names, **fields)
        else:
            await self._say(type_url, **fields)

    async def drop(self, type_url: str, *names: str) -> None:
        """Asks for these no longer."""
        known = self.known(type_url)
        known.names = [name for name in known.names if name not in names]
        if "*" not in known.names:
            known.holds = {name: body for name, body in known.holds.items() if name in known.names}
        if self.dialect == "delta":
            await self.send(type_url, resource_names_unsubscribe=names)
        else:
            await self._say(type_url)

    async def ack(self, got: Got) -> None:
        """Accepts a response."""
        known = self.known(got.type_url)
        known.version, known.nonce, known.refused, known.unanswered = got.version, got.nonce, False, False
        await self._answer(got)

    async def nack(self, got: Got, words: str = "it does not please me") -> None:
        """Refuses a response."""
        known = self.known(got.type_url)
        known.nonce, known.refused, known.unanswered = got.nonce, True, False
        await self._answer(got, error_detail={"code": 13, "message": words})

    async def _answer(self, got: Got, **fields: Any) -> None:
        if self.dialect == "delta":
            await self.send(got.type_url, response_nonce=got.nonce, **fields)
        else:
            await self._say(got.type_url, **fields)

    async def _say(self, type_url: str, **fields: Any) -> None:
        """A request with the whole subscription, as state of the world has it."""
        known = self.known(type_url)
        said = {"resource_names": tuple(known.names), "version_info": known.version, "response_nonce": known.nonce}
        await self.send(type_url, **{**said, **fields})

    # The server speaks

    async def read(self, type_url: str) -> Got:
        """The next response, which is to be of this type."""
        got = await self.receive()
        if got is None:
            raise Unmet(self.why(f"no {short(type_url)} response came"))
        if got.type_url != type_url:
            raise Unmet(f"a {got} came, not one of {short(type_url)}")
        self.known(type_url).unanswered = True
        return got

    async def next(self) -> Got:
        """The next response, of whatever type."""
        if (got := await self.receive()) is None:
            raise Unmet(self.why("no response came"))
        self.known(got.type_url).unanswered = True
        return got

    async def find(self, type_url: str) -> Got:
        """The next response of this type; accepts those of other types that come before it."""
        while (got := await self.receive()) is not None:
            if got.type_url == type_url:
                self.known(type_url).unanswered = True
                return got
            await self.accept(got)
        raise Unmet(self.why(f"no {short(type_url)} response came"))

    async def take(self, type_url: str) -> Got:
        """The next response, which is to be of this type; accepted."""
        got = await self.read(type_url)
        await self.accept(got)
        return got

    async def accept(self, got: Got) -> None:
        """Takes a response over, and says so."""
        self.take_over(got)
        await self.ack(got)

    async def becomes(self, type_url: str, *resources: Resource) -> Got:
        """The next response leaves the client with exactly these of the type; accepted."""
        got = await self.take(type_url)
        self.has(type_url, *resources)
        return got

    def has(self, type_url: str, *resources: Resource) -> None:
        """The client holds exactly these of the type."""
        holds, wanted = self._held(type_url), {one.name: one.value for one in resources}
        if holds.keys() != wanted.keys():
            raise Unmet(f"the client has {short(type_url)} {sorted(holds)} and should have {sorted(wanted)}")
        if wrong := sorted(name for name in wanted if holds[name] != wanted[name]):
            raise Unmet(f"the client has other bytes of {short(type_url)} {wrong} than it should have")

    async def silent(self) -> None:
        """The server has nothing to say: it answers what is asked later, and says nothing before that."""
        if self._has_no_sentinel() or (self.trace.single and self.dialect == "sotw"):
            await self._listen()  # what comes later may be an echo
        if self._has_no_sentinel():
            return
        _, news = await self._tick()
        if news:
            raise Unmet(f"{news}, and nothing had happened")

    async def settles(self, type_url: str, *resources: Resource) -> list[Got]:
        """When the server has said all that it has to say, the client holds exactly these of the type. Returns what came."""
        came = await self.rest()
        self.has(type_url, *resources)
        return came

    async def rest(self) -> list[Got]:
        """All that the server has still to say, and says when that is accepted; accepted."""
        if self._has_no_sentinel():
            return await self._all()
        came, news = await self._tick()
        while news:
            more, news = await self._tick()
            came += more
        return came

    def _sentinel_type(self) -> str:
        """A sentinel is of a type of its own on the aggregated stream, else of the only type there is."""
        return next(iter(self._known)) if self.trace.single else RTDS

    def _has_no_sentinel(self) -> bool:
        """On a stream of one type nothing can be asked while a response is unanswered; and after a refusal any other
        change may rightly bring the refused resource back. There, the suite listens for a while.
        """
        known = self.known(self._sentinel_type())
        return self.trace.single and (known.refused or known.unanswered)

    def _is_echo(self, got: Got) -> bool:
        """In state of the world a server may answer any change of a type to everybody who asks for the type, a sentinel's,
        too: rows of their own ask about that.
        """
        return self.dialect == "sotw" and got.type_url == self._sentinel_type()

    async def _tick(self) -> tuple[list[Got], str]:
        """Asks for a new sentinel, and accepts all that comes before and with it. Returns that, and what of it was news."""
        self._ticks += 1
        type_url, before = self._sentinel_type(), {url: self._held(url) for url in self._known}
        tick = make(type_url, f"{TICK}{self.trace.title}-{self._ticks}")
        await self._add(tick)
        if not self._is_wildcard(type_url):
            await self.want(type_url, tick.name)
        came: list[Got] = []
        while not any(tick.name in got.bodies for got in came) and (got := await self.receive()):
            await self.accept(got)
            came.append(got)
        changed = [short(url) for url, held in before.items() if self._held(url) != held]
        told = [got for got in came if not self._is_sentinel(got)]
        if len(told) == 1 and not changed and self._is_echo(told[0]):
            told = []
        return came, ", ".join([f"a {got} came" for got in told] or [f"the {url} of the client changed" for url in changed])

    def _is_sentinel(self, got: Got) -> bool:
        """Whether a response brings sentinels, and no more than its dialect lets it. Names that the client no longer wants
        may be told of as removed.
        """
        known = self.known(got.type_url)
        ticks = any(name.startswith(TICK) for name in (*(one.name for one in got.items), *got.removed))
        removed = [name for name in got.removed if name in known.names or self._is_wildcard(got.type_url)]
        return ticks and not removed and (got.dialect == "sotw" or not got.names)

    async def _all(self) -> list[Got]:
        came = []
        while (got := await self.receive(A_WHILE)) is not None:
            await self.accept(got)
            came.append(got)
        return came

    def _is_wildcard(self, type_url: str) -> bool:
        known = self.known(type_url)
        return "*" in known.names or known.legacy

    async def _listen(self) -> None:
        if (got := await self.receive(A_WHILE)) is not None:
            raise Unmet(f"a {got} came, and nothing had changed")

    def take_over(self, got: Got) -> None:
        """The client holds what a response brings; nothing is said of it."""
        known = self.known(got.type_url)
        known.holds = {**({} if got.is_full else known.holds), **got.bodies}
        for name in got.removed:
            known.holds.pop(name, None)

    def _held(self, type_url: str) -> dict[str, bytes]:
        return {name: body for name, body in self.known(type_url).holds.items() if not name.startswith(TICK)}
