"""Orphans: Envoys of a control plane that was killed. They serve on, and ask the next one at its address, until the
Envoys of that one are live: so that nobody notices the change.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import anyio
from aiohttp import ClientError
from anyio import to_thread

from providers.host import directory
from providers.host.admin import admin


@dataclass(frozen=True, slots=True)
class Orphan:
    """One orphan: its node group, the directory of its files, and the sockets it has open."""

    group: str
    home: Path
    sockets: frozenset[tuple[str, int]]

    async def retire(self, drain_seconds: float) -> None:
        """Hands its sockets on, ends it when its connections are closed or the time is over, and removes its files."""
        with anyio.move_on_after(drain_seconds), suppress(ClientError, OSError):
            async with admin(str(self.home / "admin.sock")) as page:
                await page.hand_on()
        await directory.end_orphans(self.home)
        await directory.remove(self.home)


async def find(life: Path) -> list[Orphan]:
    """The orphans of the lives before this one."""
    files = await to_thread.run_sync(directory.orphans, life.parent)
    return [await _orphan(file) for file in files.values()]


async def _orphan(file: Path) -> Orphan:
    sockets: frozenset[tuple[str, int]] = frozenset()
    with suppress(ClientError, OSError, ValueError, KeyError):
        async with admin(str(file.with_name("admin.sock"))) as page:
            sockets = await page.sockets()
    return Orphan(await to_thread.run_sync(_group_of, file), file.parent, sockets)


def _group_of(bootstrap: Path) -> str:
    """The node group in a bootstrap; empty when it cannot be read, which makes it nobody's."""
    try:
        return str(json.loads(bootstrap.read_text())["node"]["cluster"])
    except (OSError, ValueError, KeyError):
        return ""
