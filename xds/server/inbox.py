"""Inboxes: what a client has written on a stream and nobody has read yet."""

from __future__ import annotations

from collections.abc import Callable

from grpclib.protocol import Buffer

from xds.server.signal import Signal


class Inbox(Buffer):
    """Unread bytes: never more than the window that the client was given, and one message.

    grpclib's own keeps an entry for every frame, however small, and takes an empty one for the end.
    """

    def __init__(self, acknowledge: Callable[[int], None]) -> None:
        self._acknowledge = acknowledge
        self._unread = bytearray()
        self._owed = 0
        self._ended = False
        self._news = Signal()

    def add(self, data: bytes, ack_size: int) -> None:
        """Takes what came in one frame, which used up `ack_size` bytes of the window."""
        self._unread += data
        self._owed += ack_size
        self._news.set()

    def eof(self) -> None:
        """The client has written all."""
        self._ended = True
        self._news.set()

    async def read(self, size: int) -> bytes:
        """The next `size` bytes; fewer only at the end. What is read makes room in the client's window."""
        while len(self._unread) < size and not self._ended:
            self._make_room(self._owed)  # all of it is part of what is being read
            await self._news.wait()
        taken = bytes(self._unread[:size])
        del self._unread[:size]
        self._make_room(min(len(taken), self._owed))
        return taken

    def unacked_size(self) -> int:
        """The part of the window that nobody will make room in any more, as the stream is over."""
        return self._owed

    def _make_room(self, size: int) -> None:
        self._owed -= size
        self._acknowledge(size)
