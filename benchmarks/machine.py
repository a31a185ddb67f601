"""The machine that a run is made on, and the cores that it is made on."""

from __future__ import annotations

import os
import platform
import random
import resource
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

from benchmarks.error import BenchError

SPARE = 200
"""File descriptors that a process needs besides its connections."""


def facts() -> dict[str, str]:
    """What the machine is."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    return {
        "CPU": _cpu(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{memory} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
    }


def versions() -> Mapping[str, str]:
    """What everything that is measured stands on."""
    return {"Python": platform.python_version(), **{name: version(name) for name in ("uvloop", "protobuf", "h2")}}


def commit() -> str:
    """The commit of these sources, with a + where there is more than it; empty where they come without git."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def cores(*, pinned: bool) -> tuple[int | None, int | None]:
    """(core of the servers, core of the clients); None for any, as on a machine that has but one."""
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if pinned and len(usable) > 1 else (None, None)


@contextmanager
def kept_to(core: int | None) -> Iterator[None]:
    """Keeps this program to a core inside the `with`; None for any that it may run on."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before if core is None else {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def allow(connections: int) -> None:
    """Raises the limit of open files so far that there can be so many connections, for all children too.

    Raises BenchError where it may not.
    """
    needed = connections + SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard not in (-1, resource.RLIM_INFINITY) and needed > hard:
        words = f"{connections} proxies need {needed} open files, and this shell allows {hard}"
        raise BenchError(f"{words}: raise it with ulimit -n {needed} (as root: ulimit -Hn), or ask for fewer --proxies")
    if soft != -1 and needed > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def unused_port() -> int:
    """A port that nobody has, and that the system does not give to connections of clients."""
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise BenchError("none of a hundred ports on 127.0.0.1 is free")


def _cpu() -> str:
    with open("/proc/cpuinfo") as lines:  # noqa: PTH123  read line by line
        found = next((line for line in lines if line.startswith("model name")), ": unknown")
    return found.partition(":")[2].strip()
