"""The API server as an asynchronous program asks it: JSON in, JSON out, and a watch."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientSession, ClientTimeout, TCPConnector

Json = dict[str, Any]
MERGE: Final = "application/merge-patch+json"
LONGEST: Final = 1 << 22
"""Bytes of one object in a watch."""


class ClusterClient:
    """An administrator's connection. Everything raises aiohttp's ClientError when it is refused or there is nobody."""

    def __init__(self, session: ClientSession) -> None:
        self._session = session

    async def call(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Json:
        """The answer to one request."""
        data = None if body is None else json.dumps(body)
        async with self._session.request(method, path, data=data, headers={"content-type": kind}) as answer:
            found: Json = await answer.json()
            return found

    async def watch(self, path: str) -> AsyncIterator[tuple[str, Json]]:
        """Every object of a collection as ADDED, then LISTED, then each change of one; ends when the server ends it."""
        listed = await self.call("GET", path)
        for one in listed["items"]:
            yield "ADDED", one
        yield "LISTED", listed
        query = {"watch": "true", "resourceVersion": listed["metadata"]["resourceVersion"]}
        async with self._session.get(path, params=query, timeout=ClientTimeout(total=None)) as answer:
            async for line in answer.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                yield event["type"], event["object"]


@asynccontextmanager
async def connected(url: str, ca_file: Path, token: str) -> AsyncIterator[ClusterClient]:
    """A client of the server at the URL."""
    async with ClientSession(
        url,
        headers={"authorization": f"Bearer {token}"},
        connector=TCPConnector(ssl=ssl.create_default_context(cafile=str(ca_file))),
        timeout=ClientTimeout(total=30),
        raise_for_status=True,
        read_bufsize=LONGEST,
    ) as session:
        yield ClusterClient(session)
