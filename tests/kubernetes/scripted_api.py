"""An API server out of a script: each request is answered with what is next for its path."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
from follower import DEADLINE

from providers.kubernetes.api import ApiError, Failure


class ScriptedApi:
    """Answers are bytes for a list, a list of lines (or of what goes wrong instead) for a watch, and an exception for
    either. Where nothing is next, the answer comes when there is something.
    """

    server = "https://script"

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._answers: defaultdict[str, deque[Any]] = defaultdict(deque)
        self._said, self._heard = anyio.Event(), anyio.Event()

    def say(self, path: str, *answers: Any) -> None:
        self._answers[path].extend(answers)
        self._said.set()
        self._said = anyio.Event()

    async def until_asked(self, path: str, times: int = 1) -> None:
        """Waits until this was asked so many times."""
        with anyio.fail_after(DEADLINE):
            while [asked for asked, _ in self.asked].count(path) < times:
                await self._heard.wait()

    async def read(self, path: str, query: Mapping[str, str] = {}) -> bytes:
        answer: bytes = await self._next(path, query)
        return answer

    @asynccontextmanager
    async def lines(self, path: str, query: Mapping[str, str]) -> AsyncIterator[AsyncIterator[bytes]]:
        yield _lines(await self._next(path, query))

    async def _next(self, path: str, query: Mapping[str, str]) -> Any:
        self.asked.append((path, dict(query)))
        self._heard.set()
        self._heard = anyio.Event()
        while not self._answers[path]:
            await self._said.wait()
        answer = self._answers[path].popleft()
        if isinstance(answer, Exception):
            raise answer
        return answer


async def _lines(answer: Iterable[bytes | Exception | None]) -> AsyncIterator[bytes]:
    for one in answer:
        if one is None:
            await anyio.sleep_forever()
        if isinstance(one, Exception):
            raise one
        yield one


def refusal(code: int, reason: str = "No") -> ApiError:
    return ApiError("https://script: GET", Failure(f"it is {reason}", reason, code))
