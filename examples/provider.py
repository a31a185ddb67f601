"""A provider of one's own: a text file with a line `name address port` for each Backend that routes may name.

A package of yours that says this in its pyproject.toml, and is installed beside Legation, is all it takes:

    [project.entry-points."legation.providers"]
    hosts = "provider:Hosts"

Its section in the settings file says that it is wanted: `legation run --config legation.yaml`

    providers:
      file: {paths: [routes/]}
      hosts: {file: hosts.txt}
"""  # noqa: INP001  a module of its own

from collections.abc import AsyncIterator, Collection
from itertools import count

import anyio
import msgspec

from xds.model import Delete, Event, Kind, Listed, Object, Origin, Put


class Hosts:
    """Looks into the file once a second. When it raises, what it said stays, and it is started again after a pause."""

    class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """Its section of the settings file."""

        file: str

    def __init__(self, settings: Settings) -> None:
        self.file = settings.file

    async def watch(self, kinds: Collection[Kind]) -> AsyncIterator[Event]:  # noqa: ARG002  it has but one kind to say
        """Says what came and what went; Listed, once everything was said for the first time."""
        said: set[Object] = set()
        for turn in count():
            lines = (await anyio.Path(self.file).read_text()).splitlines()
            found = {backend(line, Origin(self.file, number)) for number, line in enumerate(lines, 1)}
            for key in {one.key for one in said} - {one.key for one in found}:
                yield Delete(key)
            for one in found - said:
                yield Put(one)
            if turn == 0:
                yield Listed()
            said = found
            await anyio.sleep(1)


def backend(line: str, origin: Origin) -> Object:
    """One line as an object; complaints about it will name its origin."""
    name, address, port = line.split()
    spec = {"endpoints": [{"ip": {"address": address, "port": int(port)}}]}
    kind = {"apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "Backend"}
    return Object.of({**kind, "metadata": {"name": name}, "spec": spec}, origin=origin)
