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
        await self._empty("/healthcheck/fail", "/drain_listeners?graceful")

    async def hand_on(self) -> None:
        """As `drain`, for another that has the same sockets: first takes no new connection any more, while few come."""
        await self._empty("/drain_listeners", "/healthcheck/fail")

    async def sockets(self) -> frozenset[tuple[str, int]]:
        """The addresses and ports at which it listens."""
        async with self._session.get("/listeners", params={"format": "json"}) as answer:
            listeners = (await answer.json(content_type=None)).get("listener_statuses", ())
        found = [one for each in listeners for one in (each["local_address"], *each.get("additional_local_addresses", ()))]
        sockets = (one["socket_address"] for one in found if "socket_address" in one)
        return frozenset((one["address"], one["port_value"]) for one in sockets)

    async def _empty(self, *orders: str) -> None:
        for path in orders:
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
