"""Sockets that Envoys are to open: can they?"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable, Mapping
from typing import Final

from xds.model import Listen

ADVICE: Final[Mapping[int, str]] = {
    errno.EADDRINUSE: "end the program that has it, or choose another port",
    errno.EACCES: "choose a port from 1024 up, or allow this user to open it",
    errno.EADDRNOTAVAIL: "choose an address of this host",
}


def taken(listens: Iterable[Listen]) -> dict[Listen, str]:
    """The sockets that cannot be opened, each with the reason and what to do about it.

    Envoys share ports among themselves (SO_REUSEPORT), so a second one on a port would get half of the connections and
    nobody would be told. Ask before an Envoy of one's own has the socket.
    """
    return {one: why for one in listens if (why := _refusal(one))}


def _refusal(one: Listen) -> str:
    family = socket.AF_INET6 if ":" in one.address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of the past are no obstacle
        try:
            probe.bind((one.address, one.port))
        except OSError as error:
            advice = ADVICE.get(error.errno or 0, "choose another address or port")
            return f"{os.strerror(error.errno or 0).lower()}: {advice}"
    return ""
