"""Load: requests that never stop, and what became of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import anyio
from patience import until

CLIENTS, PAUSE = 5, 0.015
"""So many clients ask, rest for so many seconds, and ask again: about 300 requests a second."""
ENOUGH = 60
"""After so many answers that are all alike, a change is over."""


class Load:
    """A load on one URL. `answers` counts what came: `200 one` for a status and a body, or the name of an error."""

    def __init__(self, url: str) -> None:
        self.url, self.answers, self.over = url, Counter[str](), False
        self._alike, self._last = 0, ""

    @property
    def failures(self) -> dict[str, int]:
        """Every answer that is no 200, and how often it came."""
        return {answer: many for answer, many in self.answers.items() if not answer.startswith("200 ")}

    async def only(self, answer: str) -> None:
        """Returns when this is all that comes any more."""
        self._alike = 0
        await until(lambda: self._alike >= ENOUGH and self._last == answer)

    async def more(self, answer: str, many: int = ENOUGH) -> None:
        """Returns when this answer came so often again."""
        enough = self.answers[answer] + many
        await until(lambda: self.answers[answer] >= enough)

    async def client(self, session: aiohttp.ClientSession) -> None:
        """One of the clients; it ends after its last request was answered."""
        while not self.over:
            answer = await self._ask(session)
            self.answers[answer] += 1
            self._alike = self._alike + 1 if answer == self._last else 1
            self._last = answer
            await anyio.sleep(PAUSE)

    async def _ask(self, session: aiohttp.ClientSession) -> str:
        """A POST, which the client never repeats by itself."""
        try:
            async with session.post(self.url, data=b"?") as answer:
                return f"{answer.status} {await answer.text()}"
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return f"{type(error).__name__}: {error}"


@asynccontextmanager
async def load(url: str) -> AsyncIterator[Load]:
    """A load on this URL inside the `async with`; every request that was begun has its answer after it."""
    made = Load(url)
    timeout = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(timeout=timeout) as session, anyio.create_task_group() as tasks:
        for _ in range(CLIENTS):
            tasks.start_soon(made.client, session)
        yield made
        made.over = True
