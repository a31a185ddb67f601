"""Inboxes: what a client has written on a stream, and the messages in it.

https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md "Length-Prefixed-Message"
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from grpclib.protocol import Buffer

from xds.model import ProtocolError
from xds.server import compression

PREFIX: Final = struct.Struct(">?I")
"""What stands before every message: whether it is compressed, and its length."""
MESSAGES: Final = 2
"""Messages of the greatest size that one connection may be sending at the same time."""


class Quota:
    """How long one message may be, and how much of messages that are not all there yet one connection may have."""

    __slots__ = ("_under_way", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._under_way = 0

    def take(self, size: int) -> None:
        """A message of this size begins. Raises ProtocolError where that is too much."""
        if size > self.limit:
            raise ProtocolError(f"a message has {size} bytes, and {self.limit} is the limit", code="RESOURCE_EXHAUSTED")
        if self._under_way + size > MESSAGES * self.limit:
            raise ProtocolError("too much is being sent on this connection at once", code="RESOURCE_EXHAUSTED")
        self._under_way += size

    def give_back(self, size: int) -> None:
        """It is all there, or will not come any more."""
        self._under_way -= size


@dataclass(frozen=True, slots=True)
class Head:
    """What a message's prefix says."""

    size: int
    compressed: bool


class Inbox(Buffer):
    """Unread bytes: never more than the window that the client was given, and one message.

    `make_room` is told how much of the window is free again, and `news` is called whenever something comes. grpclib's own
    keeps an entry for every frame, however small, and takes an empty one for the end.
    """

    __slots__ = ("_encoding", "_ended", "_head", "_make_room", "_news", "_owed", "_quota", "_unread")

    def __init__(
        self, quota: Quota, make_room: Callable[[int], None], news: Callable[[], None], *, encoding: str = "identity"
    ) -> None:
        self._quota, self._make_room, self._news, self._encoding = quota, make_room, news, encoding
        self._unread = bytearray()
        self._owed = 0
        self._ended = False
        self._head: Head | None = None

    def add(self, data: bytes, ack_size: int) -> None:
        """Takes what came in one frame, which used up `ack_size` bytes of the window."""
        self._unread += data
        self._owed += ack_size
        self._news()

    def eof(self) -> None:
        """The client has written all."""
        self._ended = True
        self._news()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is unread, though a message may have begun."""
        return not self._unread

    @property
    def is_idle(self) -> bool:
        """Whether all that came was read, and no message has begun."""
        return not self._unread and self._head is None

    @property
    def is_over(self) -> bool:
        """Whether everything was read, and nothing more comes."""
        return self._ended and self.is_idle

    def take(self) -> bytes | None:
        """The next message, when all of it is there. What is read makes room in the client's window, and so does what there
        is of a message that is waited for.

        Raises ProtocolError for what is no message, or too much of one, before that is kept.
        """
        head = self._head or self._begin()
        if head is None or len(self._unread) < head.size:
            if self._ended and not self.is_over:
                raise ProtocolError("the stream ended inside a message")
            self._free(self._owed)
            return None
        body = bytes(self._unread[: head.size])
        del self._unread[: head.size]
        self._finish(head)
        self._free(self._owed - len(self._unread))
        return compression.decompress(body, self._encoding, self._quota.limit) if head.compressed else body

    def close(self) -> None:
        """Nobody reads any more, nor wants to know."""
        self._make_room, self._news = _nobody, _nobody
        if self._head is not None:
            self._finish(self._head)

    def unacked_size(self) -> int:
        """The part of the window that nobody will make room in any more, as the stream is over."""
        return self._owed

    def _begin(self) -> Head | None:
        if len(self._unread) < PREFIX.size:
            return None
        compressed, size = PREFIX.unpack_from(self._unread)
        self._quota.take(size)
        del self._unread[: PREFIX.size]
        self._head = Head(size, compressed)
        return self._head

    def _finish(self, head: Head) -> None:
        self._head = None
        self._quota.give_back(head.size)

    def _free(self, size: int) -> None:
        if size > 0:
            self._owed -= size
            self._make_room(size)


def _nobody(*_: object) -> None:
    """Wants to know nothing."""
