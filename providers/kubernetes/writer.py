"""The writer: statuses into the `status` subresource of their objects, beside what others write there."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import anyio
import msgspec

from providers.kubernetes.api import Api, ApiError
from providers.kubernetes.discovery import Served, served
from providers.kubernetes.document import read_head
from providers.kubernetes.merge import merge
from providers.kubernetes.seen import Seen, Sight
from xds.model import Key, Kind, Status

log = logging.getLogger(__name__)

AT_ONCE: Final = 16
"""Requests that are under way at the most."""
ATTEMPTS: Final = 5
"""How often one status is tried whose object somebody changes meanwhile, before it is left for later."""
LATER: Final = 30.0
"""Seconds before what was left for later, or was forbidden, is tried again."""
TURN: Final = 1.0
"""Seconds that an argument with somebody who writes the same takes a turn, at least."""
MERGE_PATCH: Final = "application/merge-patch+json"

Place = tuple[Kind, str]
"""(kind, namespace): what permissions are given for."""


class Writer:
    """Writes statuses, and knows which of them do not stand any more.

    Where an object changed meanwhile, its status is read again and ours laid over that; what is gone is forgotten. What the
    server refuses or forbids is said once, in its own words.
    """

    def __init__(self, api: Api, seen: Seen, controller: str) -> None:
        self._api, self._seen, self._controller = api, seen, controller
        self._served: dict[Kind, Served] = {}
        self._answers: dict[Key, tuple[Sight, Sight]] = {}
        self._ours: set[Key] = set()
        self._later: set[Key] = set()
        self._forbidden: set[Place] = set()
        self._told_forbidden: set[Place] = set()
        self._refused: dict[Key, tuple[str, Status]] = {}

    async def write(self, statuses: Mapping[Key, Status]) -> None:
        """Writes those that do not stand already. Raises OSError or ApiError when the server can write none."""
        waiting, failures = iter(statuses.items()), list[Exception]()
        async with anyio.create_task_group() as tasks:
            for _ in range(min(AT_ONCE, len(statuses))):
                tasks.start_soon(self._work, waiting, failures)
        if failures:
            raise failures[0]

    async def lapsed(self) -> AsyncGenerator[Collection[Key]]:
        """Those that somebody else changed; and from time to time those that could not be written. Until cancelled."""
        again = anyio.current_time() + LATER
        while True:
            found: set[Key] = set()
            with anyio.CancelScope(deadline=again):
                found.update(filter(self._is_changed, await self._seen.restated()))
            if anyio.current_time() >= again:
                again = anyio.current_time() + LATER
                found |= self._later
                self._later, self._forbidden = set(), set()
            if found:
                yield found
                await anyio.sleep(TURN)

    def _is_changed(self, key: Key) -> bool:
        """Whether somebody else changed what was written; our own writing is seen, too."""
        sight, (_, answer) = self._seen.get(key), self._answers.get(key, (None, None))
        is_answer = sight and answer and sight.resource_version == answer.resource_version
        return key in self._ours and not is_answer

    async def _work(self, waiting: Iterator[tuple[Key, Status]], failures: list[Exception]) -> None:
        for key, status in waiting:
            try:
                await self._write(key, status)
            except (ApiError, OSError) as error:
                failures.append(error)
            if failures:
                return

    async def _write(self, key: Key, status: Status) -> None:
        """Writes one status, unless it stands already, or is refused or forbidden."""
        (self._ours.add if status != Status() else self._ours.discard)(key)
        for _ in range(ATTEMPTS):
            sight = self._sight(key)
            if sight is None or not (changes := self._changes(key, sight, status)):
                return
            try:
                if await self._patch(key, sight, changes):
                    return
            except ApiError as error:
                self._explain(key, sight, status, error)
                return
        self._later.add(key)

    def _sight(self, key: Key) -> Sight | None:
        """The object as it was last seen: by the watch, or in an answer that came since."""
        seen = self._seen.get(key)
        before, answer = self._answers.get(key, (None, None))
        if before is not seen:
            self._answers.pop(key, None)
        return answer if answer is not None and before is seen else seen

    def _changes(self, key: Key, sight: Sight, status: Status) -> dict[str, Any]:
        """What must change in the status of an object; nothing while that cannot be written."""
        if self._refused.get(key) == (sight.resource_version, status):
            return {}
        current = msgspec.json.decode(sight.status) if sight.status else {}
        changes = merge(current, status.to_json(), self._controller, _now())
        if changes and _place(key) in self._forbidden:
            self._later.add(key)
            return {}
        return changes

    async def _patch(self, key: Key, sight: Sight, changes: dict[str, Any]) -> bool:
        """Whether this is done. Where the object changed since it was seen, it is not, and the object is read again."""
        body = msgspec.json.encode({"metadata": {"resourceVersion": sight.resource_version}, "status": changes})
        path, seen = await self._path(key), self._seen.get(key)
        if path is None or seen is None:
            return True
        try:
            answer = await self._api.send("PATCH", f"{path}/status", body, MERGE_PATCH)
        except ApiError as error:
            if error.status != 409:
                raise
            self._answers[key] = seen, _sight_of(await self._api.read(path))
            return False
        self._answers[key] = seen, _sight_of(answer)
        self._relieve(key)
        return True

    async def _path(self, key: Key) -> str | None:
        """Where the object is; None when its kind is not installed any more."""
        if key.kind not in self._served:
            self._served |= await served(self._api, {key.kind})
        found = self._served.get(key.kind)
        return found.path(key.namespace, key.name) if found else None

    def _explain(self, key: Key, sight: Sight, status: Status, error: ApiError) -> None:
        """Says why one status cannot be written. What is not about it alone is raised."""
        match error.status:
            case 404:
                self._answers.pop(key, None)
                self._served.pop(key.kind, None)
            case 403:
                self._forbid(key, error)
            case 400 | 413 | 422:
                self._refused[key] = sight.resource_version, status
                log.error("the status of %s is not written, until it or the object changes: %s", key, error)
            case _:
                raise error

    def _forbid(self, key: Key, error: ApiError) -> None:
        place = _place(key)
        self._later.add(key)
        self._forbidden.add(place)
        if place not in self._told_forbidden:
            self._told_forbidden.add(place)
            log.error("statuses of %s are not written, and tried again every %d s: %s", _spoken(place), LATER, error)

    def _relieve(self, key: Key) -> None:
        """This status is written."""
        self._refused.pop(key, None)
        if (place := _place(key)) in self._told_forbidden:
            self._told_forbidden.discard(place)
            log.info("statuses of %s are written again", _spoken(place))


def _sight_of(answer: bytes) -> Sight:
    return Sight.of(read_head(answer))


def _place(key: Key) -> Place:
    return key.kind, key.namespace


def _spoken(place: Place) -> str:
    kind, namespace = place
    return f"kind {kind} in namespace {namespace}" if namespace else f"kind {kind}"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
