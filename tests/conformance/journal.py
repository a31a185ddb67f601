"""What a container says, line by line, with the time of each."""

from __future__ import annotations

import datetime as dt
from collections import deque
from typing import Final

from anyio import IncompleteRead
from anyio.abc import ByteReceiveStream
from anyio.streams.buffered import BufferedByteReceiveStream

LINES: Final = 100_000
"""How many are kept: more than any test asks for."""
LONGEST: Final = 1 << 20


class Journal:
    """The newest lines of one container."""

    def __init__(self) -> None:
        self._lines: deque[tuple[dt.datetime, bytes]] = deque(maxlen=LINES)

    async def follow(self, stream: ByteReceiveStream) -> None:
        """Keeps what a stream says until it ends."""
        lines = BufferedByteReceiveStream(stream)
        while True:
            try:
                line = await lines.receive_until(b"\n", LONGEST)
            except IncompleteRead:
                return
            self._lines.append((dt.datetime.now(dt.UTC), line))

    def since(self, moment: dt.datetime) -> bytes:
        """The lines that came at that moment or after it."""
        return b"".join(line + b"\n" for came, line in self._lines if came >= moment)
