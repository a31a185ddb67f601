"""sovereign as a measured server: its source is a file, which it reads anew every second, and its clients poll it over REST.

    python benchmarks/server/sovereign.py [--port PORT]

It has an environment of its own, installed once, because it wants other releases of what we stand on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import venv
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from http.client import BAD_REQUEST
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic_ns
from typing import Any, Final

import aiohttp

from benchmarks.server.cache import once
from benchmarks.server.control import Changed, Collect, Doing, Hello, Named, Nodes, Set, Update, obey
from xds.codec import decode, to_json
from xds.model import ConfigError
from xds.model.type_url import CDS, EDS, LDS, RDS, SDS

HOST: Final = "127.0.0.1"
RELEASE: Final = "0.32.12"
WANTED: Final = f"sovereign[httptools,orjson]=={RELEASE}"
NOTE: Final = "one worker, Python templates over a file that it reads every second"

TYPES: Final[Mapping[str, str]] = {CDS: "clusters", EDS: "endpoints", LDS: "listeners", RDS: "routes", SDS: "secrets"}
"""Type URL -> how sovereign calls it, in the paths of its service, too."""
TEMPLATE: Final = "def call(instances, **_):\n    return (one for group in instances for one in group[{!r}])\n"

READY: Final = 30.0
"""Seconds that it may take to start, and to read its source."""
END: Final = 5.0
"""Seconds that it may take to end, before it is killed."""

Group = dict[str, dict[str, Any]]
"""What a group has: type -> name -> resource as JSON."""
NOBODY: Final = "-"
"""A group that there is from the start, and that has nothing."""


class Source:
    """The file that sovereign has its resources from, one instance a group; `rest` is where it serves them."""

    def __init__(self, folder: Path, rest: str) -> None:
        self.path, self._rest = folder / "instances.json", rest
        self._groups: dict[str, Group] = {NOBODY: {}}
        self._write()
        self.doing: Doing = {Set: self._set, Update: self._update, Nodes: self._leave, Collect: self._leave}

    async def _set(self, asked: Set) -> Changed:
        """Ends when who connects next will be served."""
        changed = self._change(asked, {})
        await self.known(asked.group)
        return changed

    async def _update(self, asked: Update) -> Changed:
        return self._change(asked, self._groups.get(asked.group, {}))

    def _change(self, asked: Set | Update, before: Group) -> Changed:
        arrived = _read(asked.resources)
        start = monotonic_ns()
        self._groups[asked.group] = {name: {**before.get(name, {}), **arrived.get(name, {})} for name in TYPES.values()}
        self._write()
        return Changed(start, monotonic_ns())

    async def known(self, group: str = NOBODY) -> None:
        """Returns when it has read of a group; before, it refuses it everything. Raises TimeoutError."""
        request = {"node": {"cluster": group}}
        async with asyncio.timeout(READY), aiohttp.ClientSession() as session:
            while True:
                with suppress(aiohttp.ClientError):
                    async with session.post(f"{self._rest}/v3/discovery:clusters", json=request) as answer:
                        if answer.status != BAD_REQUEST:
                            return
                await asyncio.sleep(0.05)

    def _write(self) -> None:
        """Writes the file anew, so that it is never seen half."""
        instances = [
            {"service_clusters": [group], **{name: list(has.get(name, {}).values()) for name in TYPES.values()}}
            for group, has in self._groups.items()
        ]
        scratch = self.path.with_suffix(".new")
        scratch.write_text(json.dumps(instances))
        scratch.replace(self.path)

    async def _leave(self, _: Nodes | Collect) -> dict[str, str]:
        """Its nodes are of groups, and its memory is its own matter."""
        return {}


def _read(resources: Iterable[Named]) -> Group:
    """The messages as JSON, which is what sovereign deals with."""
    arrived: Group = {}
    for one in resources:
        if one.type_url not in TYPES:
            raise ConfigError(f"sovereign does not serve {one.type_url}")
        try:
            message = to_json(decode(one.type_url, one.value))
        except TypeError as error:  # of JSON for a message inside of it that nobody knows
            raise ConfigError(f"{one.name!r} cannot be written as JSON: {error}") from None
        arrived.setdefault(TYPES[one.type_url], {})[one.name] = {"@type": one.type_url, **message}
    return arrived


def configuration(source: Path) -> dict[str, Any]:
    """What sovereign is told: a template for each type, beside the source."""
    templates = source.with_name("templates")
    templates.mkdir()
    for name in TYPES.values():
        (templates / name).write_text(TEMPLATE.format(name))
    specs = {name: {"protocol": "python", "serialization": "raw", "path": str(templates / name)} for name in TYPES.values()}
    return {
        "sources": [{"type": "file", "config": {"path": f"file+orjson://{source}"}}],
        "source_config": {"refresh_rate": 1},
        "templates": {"default": [{"type": name, "spec": spec} for name, spec in specs.items()]},
        "logging": {"access_logs": {"enabled": False}},
    }


def python() -> Path:
    """The Python of the environment that sovereign is installed in. Raises CalledProcessError, after pip's own words, when
    it cannot be installed.
    """
    return once(f"sovereign-{RELEASE}", _install) / "bin" / "python"


def _install(path: Path) -> None:
    venv.create(path, with_pip=True)
    # Its words go to standard error: the first line of standard output is the server's.
    command = [str(path / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", WANTED]
    subprocess.run(command, stdout=sys.stderr, check=True)


@asynccontextmanager
async def serving(folder: Path, port: int) -> AsyncIterator[int]:
    """Runs sovereign inside the `async with`; gives its process id."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"SOVEREIGN_CONFIG": f"file+json://{folder / 'configuration.json'}", "SOVEREIGN_WORKERS": "1"}
    environment |= {"SOVEREIGN_HOST": HOST, "SOVEREIGN_PORT": str(port), "LOG_LEVEL": "critical"}
    command = [str(python()), "-P", "-W", "ignore", "-m", "sovereign.server"]
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=sys.stderr
    )
    try:
        yield process.pid
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), END)
    except TimeoutError:
        process.kill()
        await process.wait()


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


async def main(port: int) -> None:
    """Serves until standard input ends."""
    with TemporaryDirectory(prefix="sovereign-") as name:
        folder = Path(name)
        rest = f"http://{HOST}:{port}"
        source = Source(folder, rest)
        (folder / "configuration.json").write_text(json.dumps(configuration(source.path)))
        async with serving(folder, port) as pid:
            await source.known()
            await obey(Hello("sovereign", RELEASE, rest=rest, note=NOTE, pid=pid), source.doing)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="where to listen on 127.0.0.1 (default: any free port)")
    try:
        asyncio.run(main(parser.parse_args().port or free_port()))
    except subprocess.CalledProcessError as error:
        sys.exit(f"sovereign cannot be installed: pip ended with {error.returncode}")
    except TimeoutError:
        sys.exit(f"sovereign did not serve its source within {READY:.0f} s; what it said is above")
