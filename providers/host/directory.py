"""The private directory where the Envoys of one control plane have their files.

An Envoy is not tied to our life: when the control plane is killed, its Envoys go on with the last good configuration.
The next control plane at the same address finds them, by the files that they were started with, and ends them before
it starts its own: otherwise two Envoys would share each port, and one of them would belong to nobody.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from tempfile import gettempdir
from typing import Final

import anyio
from anyio import to_thread

from xds.model import ConfigError

SECONDS: Final = 5.0
"""How long an Envoy that was told to end may take before it is killed."""


async def prepare(xds: tuple[str, int]) -> Path:
    """An empty directory for the control plane at `xds`, in which no Envoy lives any more; for this user only.

    Raises ConfigError when the place belongs to somebody else.
    """
    directory = await to_thread.run_sync(_private, f"{xds[0]}-{xds[1]}")
    await end_orphans(directory)
    await remove(directory)
    await anyio.Path(directory).mkdir(mode=0o700)
    return directory


async def remove(directory: Path) -> None:
    """Removes the directory and what is in it."""
    await to_thread.run_sync(lambda: shutil.rmtree(directory, ignore_errors=True))


def _private(name: str) -> Path:
    home = Path(gettempdir(), f"legation-{os.getuid()}")
    home.mkdir(mode=0o700, exist_ok=True)
    found = home.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ConfigError(f"{home} is no directory of this user alone", hint="remove it, or point TMPDIR elsewhere")
    return home / name


async def end_orphans(directory: Path) -> list[int]:
    """Ends every process that was started with a file of the directory. Returns their process ids."""
    found = await to_thread.run_sync(orphans, directory)
    _signal(found, signal.SIGTERM)
    with anyio.move_on_after(SECONDS):
        while await to_thread.run_sync(orphans, directory):  # noqa: ASYNC110  they are no children of ours
            await anyio.sleep(0.05)
    _signal(await to_thread.run_sync(orphans, directory), signal.SIGKILL)
    return found


def orphans(directory: Path) -> list[int]:
    """The process ids of this user's processes that were started with `-c` and a file of the directory."""
    return [pid for pid, arguments in _processes() if _started_from(directory, arguments)]


def _started_from(directory: Path, arguments: list[str]) -> bool:
    return any(flag == "-c" and directory in Path(file).parents for flag, file in pairwise(arguments))


def _processes() -> Iterator[tuple[int, list[str]]]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.stat().st_uid == os.getuid():
                yield int(process.name), (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it has ended meanwhile
            continue


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
