"""The banner: what a person sees when everything is up."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import click

from xds.model import Key, Status
from xds.server.plane import Plane

URL: Final = re.compile(r"https?://\S+")
"""What a summary begins with, when it tells where a route answers."""


def banner(plane: Plane, xds: tuple[str, int], admin: tuple[str, int]) -> None:
    """Prints where everything is."""
    click.echo("\n".join(("", *lines(plane, xds, admin), "")))


def lines(plane: Plane, xds: tuple[str, int], admin: tuple[str, int]) -> Iterator[str]:
    """What there is, a line each."""
    listens = [listen for group in plane.groups().values() for listen in group.listens]
    for listen in listens:
        yield f"  gateway   {listen.url or f'{listen.address}:{listen.port}'}"
    for key, status in routes(plane.statuses()):
        trouble = "" if status.well else f"{key} is not well: "
        yield f"  route     {trouble}{status.summary}"
    yield f"  admin     http://{admin[0]}:{admin[1]}/"
    yield f"  metrics   http://{admin[0]}:{admin[1]}/metrics"
    yield f"  xds       {xds[0]}:{xds[1]}"
    if urls := [listen.url for listen in listens if listen.url]:
        yield ""
        well = (status.summary for _, status in routes(plane.statuses()) if status.well)
        yield f"  try       {attempt(urls, well)}"


def attempt(urls: Sequence[str], summaries: Iterable[str]) -> str:
    """The curl line for the first route that says its URL; its hostname need not be in any DNS."""
    said = [found[0] for summary in summaries if (found := URL.match(summary))]
    url = said[0].replace("//*.", "//www.") if said else f"{urls[0]}/"
    sockets = {urlsplit(one).port: urlsplit(one).netloc for one in urls}
    socket = sockets.get(urlsplit(url).port, urlsplit(url).netloc)
    there = "" if socket == urlsplit(url).netloc else f"--connect-to ::{socket} "
    return f"curl -i {'-k ' if url.startswith('https:') else ''}{there}{shlex.quote(url)}"


def routes(statuses: Mapping[Key, Status]) -> Iterator[tuple[Key, Status]]:
    """The routes that say what they do, by name."""
    for key in sorted(statuses, key=str):
        if key.kind.name.endswith("Route") and statuses[key].summary:
            yield key, statuses[key]
