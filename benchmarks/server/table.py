"""The servers that can be measured, by name."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from math import inf
from pathlib import Path
from typing import Final

from msgspec import Struct

from benchmarks.server.go_program import go

HERE: Final = Path(__file__).parent
GO_CONTROL_PLANE: Final = HERE / "go_control_plane.py"
OURS: Final = "legation"
GROUP: Final = "edge"
"""The node group that is served, unless a server serves what it likes."""


class Server(Struct, frozen=True):
    """How a server is started. `missing` says in words what it needs and this machine lacks, None when it lacks nothing;
    `dialects` are what it can speak, with `most` proxies at most; `polled` tells that these poll it over REST. `port` is the
    flag that makes it listen on a certain port. A `foreign` one runs already, and serves what it likes to a `group`.
    """

    command: str
    missing: Callable[[], str | None] = lambda: None
    dialects: tuple[str, ...] = ("delta", "sotw")
    most: float = inf
    polled: bool = False
    port: str = "--port"
    foreign: bool = False
    group: str = GROUP


def without_go() -> str | None:
    """What a machine lacks that has no Go."""
    return None if go() else "there is no Go to build it with: see https://go.dev/dl"


def without_venv() -> str | None:
    """What a machine lacks on which this Python cannot make environments."""
    return None if find_spec("ensurepip") else "this Python cannot make an environment for it: install its venv package"


def foreign(target: str, group: str, on_change: str) -> Server:
    """A server that runs already, at host:port; a command makes changes there, with the text to put into a resource."""
    command = [str(HERE / "foreign.py"), target, "--on-change", on_change]
    return Server(shlex.join(command), foreign=True, group=group)


SERVERS: Final[Mapping[str, Server]] = {
    OURS: Server(f"{HERE / 'legation.py'}"),
    "go-control-plane": Server(f"{GO_CONTROL_PLANE} --setup group", without_go),
    "go-control-plane, per node": Server(f"{GO_CONTROL_PLANE} --setup node", without_go, most=500),
    "go-control-plane, linear": Server(f"{GO_CONTROL_PLANE} --setup linear", without_go),
    "sovereign": Server(f"{HERE / 'sovereign.py'}", without_venv, dialects=("sotw",), most=10, polled=True),
}
"""Name -> server, in the order in which they are shown."""
