"""Sockets that cannot be opened: one sentence for the person who chose the port."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Final

from xds.model import ConfigError

WORDS: Final[Mapping[int, str]] = {
    errno.EADDRINUSE: "is already in use",
    errno.EADDRNOTAVAIL: "is no address of this machine",
    errno.EACCES: "may not be opened by this user",
}

NOWHERE: Final = "could not bind on any address"
"""What asyncio says, without a number, from Python 3.13 on, when no address was this machine's."""


def cannot_listen(error: OSError, address: tuple[str, int], *, setting: str, flag: str = "") -> ConfigError:
    """The ConfigError for a socket that did not open: names the address, the setting and any flag that chose it."""
    host, port = address
    number = errno.EADDRNOTAVAIL if NOWHERE in str(error) else error.errno or 0
    what = WORDS.get(number, f"cannot be opened: {error.strerror or error}")
    choice = f"{flag}, or {setting}" if flag else setting
    return ConfigError(f"{host}:{port} {what}", hint=f"choose another with {choice} in the settings file")
