"""Windows: how much a client may still send, on one stream or on all of a connection. The accounts are h2's."""

from __future__ import annotations

from typing import Final

from h2.windows import WindowManager
from hyperframe.frame import WindowUpdateFrame

SETTLED: Final = 2**15
"""Bytes that go past h2, and are read at once, before it hears of them: a small part of any window."""


class Window:
    """One of h2's windows, for data that h2 does not see. What a method returns is to be sent to the client."""

    __slots__ = ("_manager", "_passed", "_stream_id")

    def __init__(self, stream_id: int, manager: WindowManager) -> None:
        self._stream_id, self._manager = stream_id, manager
        self._passed = 0

    def consume(self, size: int) -> None:
        """The client has sent so much. Raises h2's FlowControlError where it may not."""
        self._manager.window_consumed(size)

    def free(self, size: int) -> bytes:
        """So much of it was read."""
        increment = self._manager.process_bytes(size)
        return WindowUpdateFrame(self._stream_id, increment).serialize() if increment else b""

    def pass_by(self, size: int) -> bytes:
        """The client has sent so much, and it was read at once. Raises as `consume` does."""
        self._passed += size
        if self._passed < SETTLED:
            return b""
        passed, self._passed = self._passed, 0
        self.consume(passed)
        return self.free(passed)
