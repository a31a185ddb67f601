"""Envoy's admin page, asked through its unix socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio
from aiohttp import ClientError, ClientSession, ClientTimeout, UnixConnector

POLL: Final = 0.1
ACTIVE: Final = r"^listener\..*downstream_cx_active$"
OWN: Final = "listener.admin."


class Admin:
    """The admin page of one Envoy. Every question may raise ClientError or OSError when nobody answers."""

    def __init__(self, session: ClientSession) -> None:
        self._session = session

    async def until_live(self) -> None:
        """Returns when the Envoy has its first configuration and its listeners are open. Waits for an answer, too."""
        while not await self._is_live():  # noqa: ASYNC110  Envoy can only be asked
            await anyio.sleep(POLL)

    async def _is_live(self) -> bool:
        try:
            async with self._session.get("/ready") as answer:
                return answer.status == 200
        except (ClientError, OSError):
            return False

    async def drain(self) -> None:
        """Fails the health check, asks every connection to close, and returns when the last one is closed."""
        for path in ("/healthcheck/fail", "/drain_listeners?graceful"):
            async with self._session.post(path):
                pass
        while await self._connections():  # noqa: ASYNC110  as above
            await anyio.sleep(POLL)

    async def _connections(self) -> int:
        """How many connections are open, those to the admin page not counted."""
        query = {"filter": ACTIVE, "format": "json"}
        async with self._session.get("/stats", params=query) as answer:
            found = (await answer.json(content_type=None))["stats"]
        return sum(one["value"] for one in found if not one["name"].startswith(OWN))


@asynccontextmanager
async def admin(path: str) -> AsyncIterator[Admin]:
    """The admin page behind a unix socket."""
    async with ClientSession("http://envoy", connector=UnixConnector(path), timeout=ClientTimeout(total=5)) as session:
        yield Admin(session)
