"""A server that says what a test tells it, right or wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from grpclib.const import Cardinality, Handler

from benchmarks.client.dialect import DIALECTS
from xds.server.discovery import PassThrough
from xds.server.grpc_server import serve
from xds.server.transport import Transport


class ScriptedService:
    """Answers the first request of every stream with these responses, and keeps all requests."""

    def __init__(self, responses: Sequence[bytes]) -> None:
        self._responses = responses
        self.requests: list[bytes] = []

    def __mapping__(self):
        return {one.path: Handler(self._talk, Cardinality.STREAM_STREAM, bytes, bytes) for one in DIALECTS.values()}

    async def _talk(self, stream) -> None:
        self.requests.append(await stream.recv_message())
        for response in self._responses:
            await stream.send_message(response)
        while (request := await stream.recv_message()) is not None:
            self.requests.append(request)


@asynccontextmanager
async def scripted(responses: Sequence[bytes]) -> AsyncIterator[tuple[str, ScriptedService]]:
    """(host:port, service) inside the `async with`."""
    service = ScriptedService(responses)
    async with serve([service], PassThrough(), Transport(), "127.0.0.1", 0) as (host, port):
        yield f"{host}:{port}", service
