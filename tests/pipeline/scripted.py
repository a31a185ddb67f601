"""A provider that says what a test has it say, and a language of one kind in which everything can be said and be wrong."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Collection
from typing import Any

import anyio
from anyio import sleep

from xds.codec import resource
from xds.model import (
    Condition,
    Diagnostic,
    Event,
    Key,
    Kind,
    NodeGroup,
    Object,
    Objects,
    Origin,
    Put,
    Resource,
    Snapshot,
    Status,
    Translation,
)
from xds.model.type_url import CDS, EDS

WORD = Kind("acme.dev", "Word")
DEADLINE = 30.0


class Teller:
    """A provider. It fails with an exception that it is told to say, and ends with a None."""

    def __init__(self) -> None:
        self.watches = 0
        self._send, self._receive = anyio.create_memory_object_stream[Event | Exception | None](math.inf)

    def say(self, *steps: Event | Exception | None) -> None:
        for step in steps:
            self._send.send_nowait(step)

    async def watch(self, kinds: Collection[Kind]) -> AsyncIterator[Event]:
        assert WORD in kinds
        self.watches += 1
        while (step := await self._receive.receive()) is not None:
            if isinstance(step, Exception):
                raise step
            yield step

    def close(self) -> None:
        self._send.close()
        self._receive.close()


class Writer(Teller):
    """A provider that takes statuses back. It fails as often as it is told to, waits as long as its gate is closed, and says
    that what it is told to has lapsed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.failures = 0
        self.gate = anyio.Event()
        self.gate.set()
        self.written: list[dict[Key, Status]] = []
        self._lapse, self._lapsed = anyio.create_memory_object_stream[Key | Exception](math.inf)

    async def write(self, statuses) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("nobody takes statuses")
        await self.gate.wait()
        self.written.append(dict(statuses))

    def lapse(self, *steps: Key | Exception) -> None:
        for step in steps:
            self._lapse.send_nowait(step)

    async def lapsed(self) -> AsyncIterator[Collection[Key]]:
        while True:
            step = await self._lapsed.receive()
            if isinstance(step, Exception):
                raise step
            yield [step]

    def all_written(self) -> dict[Key, Status]:
        """The last status of each object."""
        return {key: status for written in self.written for key, status in written.items()}

    def close(self) -> None:
        super().close()
        self._lapse.close()
        self._lapsed.close()


class Candidate(Writer):
    """A provider that knows who leads: whom it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self._elect, self._elected = anyio.create_memory_object_stream[bool | Exception](math.inf)

    def elect(self, *steps: bool | Exception) -> None:
        for step in steps:
            self._elect.send_nowait(step)

    async def lead(self) -> AsyncIterator[bool]:
        while True:
            step = await self._elected.receive()
            if isinstance(step, Exception):
                raise step
            yield step

    def close(self) -> None:
        super().close()
        self._elect.close()
        self._elected.close()


class Words:
    """A source: one cluster for each Word, in the node group `acme`.

    `spec.wrong` makes an object wrong on its own, `spec.missing` makes it fail, `spec.dangling` names endpoints that are
    nowhere, `spec.silent` leaves it without a status, `spec.bug` makes the source itself fail.
    """

    kinds = frozenset({WORD})

    def __init__(self) -> None:
        self.translations: list[Objects] = []
        self._last = Snapshot()
        self._made: dict[Object, Resource] = {}

    def check(self, one: Object) -> list[Diagnostic]:
        wrong = "wrong" in one.body["spec"]
        return [Diagnostic("must not be there", one.key, "spec.wrong", hint="take it out")] if wrong else []

    def translate(self, objects: Objects) -> Translation:
        self.translations.append(objects)
        words = list(objects.of_kind(WORD).values())
        if any("bug" in one.body["spec"] for one in words):
            raise RuntimeError("nobody thought of this")
        self._made = {one: self._made.get(one) or self._cluster(one) for one in words}
        self._last = Snapshot.of(self._made.values()).sharing(self._last)
        group = NodeGroup("acme")
        statuses = {one.key: self._status(one) for one in words if "silent" not in one.body["spec"]}
        return Translation({"acme": self._last}, {"acme": group}, statuses)

    def _cluster(self, one: Object) -> Resource:
        body: dict[str, Any] = {"@type": CDS, "name": one.key.name, "connect_timeout": one.body["spec"].get("timeout", "1s")}
        made = resource(body, authors=(one.key,))
        dangling = one.body["spec"].get("dangling")
        references = frozenset({(EDS, dangling)}) if dangling else frozenset()
        return Resource(made.type_url, made.name, made.version, made.body, references, made.authors)

    def _status(self, one: Object) -> Status:
        missing = one.body["spec"].get("missing")
        reason, message = ("Missing", f"{missing} does not exist") if missing else ("Fine", "")
        condition = Condition("Resolved", not missing, reason, message, one.generation)
        return Status((condition,), summary=f"waits {one.body['spec'].get('timeout', '1s')}")


def word(name: str, generation: int = 1, line: int = 1, **spec: Any) -> Object:
    """A Word, at some line of the file words.yaml."""
    body = {"apiVersion": "acme.dev/v1", "kind": "Word", "metadata": {"name": name}, "spec": spec}
    return Object.of(body, generation=generation, origin=Origin("words.yaml", line))


def put(name: str, generation: int = 1, line: int = 1, **spec: Any) -> Put:
    """The event that a Word exists."""
    return Put(word(name, generation, line, **spec))


def key(name: str) -> Key:
    """The key of a Word."""
    return Key(WORD, "default", name)


async def until(condition: Callable[[], object]) -> None:
    """Returns when the condition holds; fails when it does not in time."""
    with anyio.fail_after(DEADLINE):
        while not condition():  # noqa: ASYNC110  a test asks for states that nobody tells of
            await sleep(0.001)
