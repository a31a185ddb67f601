"""A server that runs already, wherever it is, as a measured server: it serves what it likes, and can be told one thing.

    python benchmarks/server/foreign.py HOST:PORT [--on-change COMMAND]

COMMAND is run for every change, with a text such as ~change-000000012 after it: it must make the server change a resource so
that it holds the text (as the alt_stat_name of a cluster, for instance). A change begins when COMMAND does.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shlex
from time import monotonic_ns
from typing import Final

from benchmarks.server.control import Changed, Doing, Hello, Nodes, Set, Update, obey
from xds.model import ConfigError

MARK: Final = re.compile(rb"~change-\d{9}")


class Foreign:
    """Does what can be done to a server that is not ours."""

    def __init__(self, command: str) -> None:
        self._command = shlex.split(command)
        self.doing: Doing = {Set: self._set, Nodes: self._expect, Update: self._update}

    async def _set(self, _: Set) -> Changed:
        """It has what it has."""
        return Changed(monotonic_ns(), monotonic_ns())

    async def _expect(self, _: Nodes) -> dict[str, str]:
        """It knows its nodes."""
        return {}

    async def _update(self, asked: Update) -> Changed:
        if not self._command:
            raise ConfigError("nobody can change what this server serves: say how with --on-change COMMAND")
        found = MARK.search(asked.resources[0].value)
        assert found is not None
        start = monotonic_ns()
        process = await asyncio.create_subprocess_exec(*self._command, found[0].decode())
        if code := await process.wait():
            raise ConfigError(f"{shlex.join(self._command)} {found[0].decode()} ended with code {code}")
        return Changed(start, monotonic_ns())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", metavar="HOST:PORT", help="where it serves")
    parser.add_argument("--on-change", default="", metavar="COMMAND", help="what makes a change")
    flags = parser.parse_args()
    asyncio.run(obey(Hello(flags.target, "", flags.target, note="as it runs"), Foreign(flags.on_change).doing))
