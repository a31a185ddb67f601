"""The banner: what a person sees when everything is up."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

import click

from xds.model import Key, Status
from xds.server.plane import Plane


def banner(plane: Plane, xds: tuple[str, int], admin: tuple[str, int]) -> None:
    """Prints where everything is."""
    click.echo("\n".join(("", *lines(plane, xds, admin), "")))


def lines(plane: Plane, xds: tuple[str, int], admin: tuple[str, int]) -> Iterator[str]:
    """What there is, a line each."""
    listens = [listen for group in plane.groups().values() for listen in group.listens]
    for listen in listens:
        yield f"  gateway   {listen.url or f'{listen.address}:{listen.port}'}"
    for key, status in routes(plane.statuses()):
        trouble = f"{key} is not well: " if any(status.failing()) else ""
        yield f"  route     {trouble}{status.summary}"
    yield f"  admin     http://{admin[0]}:{admin[1]}/"
    yield f"  metrics   http://{admin[0]}:{admin[1]}/metrics"
    yield f"  xds       {xds[0]}:{xds[1]}"
    if urls := [listen.url for listen in listens if listen.url]:
        yield ""
        yield f"  try       curl -i {shlex.quote(urls[0] + '/')}"


def routes(statuses: Mapping[Key, Status]) -> Iterator[tuple[Key, Status]]:
    """The routes that say what they do, by name."""
    for key in sorted(statuses, key=str):
        if key.kind.name.endswith("Route") and statuses[key].summary:
            yield key, statuses[key]
