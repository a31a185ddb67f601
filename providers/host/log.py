"""An Envoy's log, beside ours."""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import AsyncIterator, Mapping
from typing import Final

import anyio
from anyio.abc import ByteReceiveStream

FORMAT: Final = "[%l][%n] %v"
"""Envoy's --log-format, in which `read` finds level, component and text."""

LEVELS: Final[Mapping[str, int]] = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}
_LINE: Final = re.compile(rf"\[({'|'.join(LEVELS)})\]\[([^\]]*)\] (.*)")
_NACK: Final = re.compile(r"(config|upstream): .* rejected: ")
"""What Envoy refuses it tells the control plane, too, which knows whose fault it is: once is enough."""

LONGEST_LINE: Final = 64 * 1024


def read(line: str, before: int) -> tuple[int, str]:
    """(level, text) of a line. One that is not in Envoy's format goes on with the line before, at the level `before`."""
    found = _LINE.match(line)
    if found is None:
        return before, line
    text = f"{found[2]}: {found[3]}"
    return logging.DEBUG if _NACK.match(text) else LEVELS[found[1]], text


class Log:
    """What one Envoy says, passed on to the logger `envoy.<group>`; `errors` are the last it complained of.

    Once it is `ending`, only errors are news: it warns of the signal and of the connections that it gives up.
    """

    def __init__(self, group: str) -> None:
        self._group, self._logger = group, logging.getLogger(f"envoy.{group}")
        self.errors: deque[str] = deque(maxlen=3)
        self.ending = False

    async def relay(self, stream: ByteReceiveStream) -> None:
        """Passes on every line until the stream ends, even when cancelled: an Envoy that nobody reads would stand still."""
        level = logging.INFO
        with anyio.CancelScope(shield=True):
            async for line in lines(stream):
                level, text = read(line, level)
                if text.strip():
                    self._say(level, text)

    def _say(self, level: int, text: str) -> None:
        news = not self.ending or level >= logging.ERROR
        self._logger.log(level if news else logging.DEBUG, "%s: envoy %s", self._group, text)
        if level >= logging.ERROR:
            self.errors.append(text)


async def lines(stream: ByteReceiveStream) -> AsyncIterator[str]:
    """The lines of a stream, without their ends; one that is longer than 64 KB comes in pieces."""
    rest = b""
    async for chunk in stream:
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > LONGEST_LINE:
            whole, rest = [*whole, rest], b""
        for line in whole:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")
