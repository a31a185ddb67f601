"""Lines: one gRPC stream as its client uses it, with bytes in both directions, and a record of all that went over it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final

import grpc
import grpc.aio
from traces import Changed, Got, Sent, Trace, read

from xds.codec import message_class

SOON: Final = 10.0
"""Seconds, after which an answer is missing."""

REQUEST: Final = {"sotw": "DiscoveryRequest", "delta": "DeltaDiscoveryRequest"}


class Unmet(AssertionError):  # noqa: N818  it is no error of the suite
    """The server did not do what the case asks."""


class Line:
    """One stream in one dialect. `node` is sent with the first message."""

    def __init__(self, call: Any, trace: Trace, dialect: str, node: dict[str, Any]) -> None:
        self.call, self.trace, self.dialect, self.node = call, trace, dialect, node
        self._unread: deque[Got] = deque()
        self._news = asyncio.Condition()
        self._end: tuple[grpc.StatusCode, str] | None = None

    @property
    def status(self) -> grpc.StatusCode | None:
        """The status with which the stream ended; None while it is open."""
        return self._end[0] if self._end else None

    async def send(self, type_url: str, **fields: Any) -> None:
        """A request with these fields, as they are; the first one carries the node."""
        node, self.node = self.node, {}
        message: Any = message_class(f"envoy.service.discovery.v3.{REQUEST[self.dialect]}")(
            **{"type_url": type_url, **({"node": node} if node else {}), **fields}
        )
        self.trace.events.append(Sent(type_url, message.response_nonce, message.HasField("error_detail"), fields))
        try:
            await self.call.write(message.SerializeToString())
        except (asyncio.InvalidStateError, grpc.aio.AioRpcError):
            await self._over()
            raise Unmet(self.why("a request could not be sent")) from None

    async def ends(self, status: grpc.StatusCode) -> None:
        """The server ends the stream with this status, and says nothing more."""
        await self._over()
        if self.status is not status:
            raise Unmet(self.why(f"the stream should end with {status.name}"))
        if self._unread:
            raise Unmet(f"a {self._unread[0]} came before the end")

    async def _over(self) -> None:
        """Returns when the stream has ended."""
        try:
            async with asyncio.timeout(SOON), self._news:
                await self._news.wait_for(lambda: self._end)
        except TimeoutError:
            raise Unmet("the stream was not ended") from None

    def why(self, what: str) -> str:
        """What is missing, and whether that is because the stream has ended."""
        return f"{what}: the stream ended with {self._end[0].name}, {self._end[1]}" if self._end else what

    async def receive(self, within: float | None = None) -> Got | None:
        """The next response; None when none comes within this many seconds, or ever."""
        within = SOON if within is None else within
        try:
            async with asyncio.timeout(within), self._news:
                await self._news.wait_for(lambda: self._unread or self._end)
        except TimeoutError:
            return None
        return self._unread.popleft() if self._unread else None

    def note(self, what: str) -> None:
        """The server was told to serve something else."""
        self.trace.events.append(Changed(what))

    async def listen(self) -> None:
        """Reads until the stream ends; runs beside the case."""
        try:
            while (body := await self.call.read()) is not grpc.aio.EOF:
                got = read(self.dialect, body)
                self.trace.events.append(got)
                await self._tell(got)
        except grpc.aio.AioRpcError:
            pass
        self._end = await self.call.code(), await self.call.details()
        await self._tell()

    async def _tell(self, *got: Got) -> None:
        async with self._news:
            self._unread.extend(got)
            self._news.notify_all()
