"""The private directories where the Envoys of one control plane have their files: one for each of its lives.

An Envoy is not tied to our life: when the control plane is killed, its Envoys go on with the last good configuration.
The next control plane at the same address finds them by the files that they were started with.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import Final

import anyio
from anyio import to_thread

from xds.model import ConfigError

SECONDS: Final = 5.0
"""How long an Envoy that was told to end may take before it is killed."""


async def prepare(xds: tuple[str, int]) -> Path:
    """A new directory for a life of the control plane at `xds`; for this user only. Beside it are earlier lives: those
    whose Envoys still live.

    Raises ConfigError when the place belongs to somebody else.
    """
    return await to_thread.run_sync(_prepare, f"{xds[0]}-{xds[1]}")


def _prepare(name: str) -> Path:
    home = _private(name)
    home.mkdir(mode=0o700, exist_ok=True)
    for life in home.iterdir():
        if not orphans(life):
            shutil.rmtree(life, ignore_errors=True)
    return Path(mkdtemp(dir=home, prefix=""))


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


async def end_orphans(directory: Path) -> None:
    """Ends every process that was started with a file of the directory, or of one in it."""
    _signal(await to_thread.run_sync(orphans, directory), signal.SIGTERM)
    with anyio.move_on_after(SECONDS):
        while await to_thread.run_sync(orphans, directory):  # noqa: ASYNC110  they are no children of ours
            await anyio.sleep(0.05)
    _signal(await to_thread.run_sync(orphans, directory), signal.SIGKILL)


def orphans(directory: Path) -> dict[int, Path]:
    """This user's processes that were started with `-c` and a file of the directory, or of one in it: id -> file."""
    found = ((pid, _started_from(directory, arguments)) for pid, arguments in _processes())
    return {pid: file for pid, file in found if file is not None}


def _started_from(directory: Path, arguments: list[str]) -> Path | None:
    files = (Path(file) for flag, file in pairwise(arguments) if flag == "-c")
    return next((file for file in files if directory in file.parents), None)


def _processes() -> Iterator[tuple[int, list[str]]]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.stat().st_uid == os.getuid():
                yield int(process.name), (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it has ended meanwhile
            continue


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
