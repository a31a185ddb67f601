"""The servers that can be measured, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

HERE: Final = Path(__file__).parent
OURS: Final = "legation"


class Server(Struct, frozen=True):
    """How a server is started. `missing` says in words what it needs and this machine lacks, None when it lacks nothing;
    `dialects` are what it can speak, none of them where its clients poll it over REST; `port` is the flag that makes it
    listen on a certain port.
    """

    command: str
    missing: Callable[[], str | None] = lambda: None
    dialects: tuple[str, ...] = ("delta", "sotw")
    port: str = "--port"


SERVERS: Final[Mapping[str, Server]] = {
    OURS: Server(f"{HERE / 'legation.py'}"),
}
"""Name -> server, in the order in which they are shown."""
