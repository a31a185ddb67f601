"""The banner: what a person sees when everything is up, and what stands in a log for programs instead."""

from __future__ import annotations

import logging
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import click

from xds.model import Key, Status
from xds.server.plane import Plane

log = logging.getLogger("legation")

MOST: Final = 20
"""Gateways and routes that are listed; more are counted."""
URL: Final = re.compile(r"https?://\S+")
"""What a summary begins with, when it tells where a route answers."""


def banner(plane: Plane, xds: tuple[str, int], admin: tuple[str, int]) -> None:
    """Prints where everything is."""
    click.echo("\n".join(("", *lines(plane, xds, admin), "")))


def line(_: Plane, xds: tuple[str, int], admin: tuple[str, int]) -> None:
    """Says where everything is in one line of the log."""
    log.info("everything is served: to proxies at %s:%d, to people at http://%s:%d/", *xds, *admin)


def lines(plane: Plane, xds: tuple[str, int], admin: tuple[str, int]) -> Iterator[str]:
    """What there is, a line each."""
    listens = [listen for group in plane.groups().values() for listen in group.listens]
    yield from _listed("gateway", [listen.url or f"{listen.address}:{listen.port}" for listen in listens])
    yield from _listed("route", [_told(key, status) for key, status in routes(plane.statuses())])
    yield f"  admin     http://{admin[0]}:{admin[1]}/"
    yield f"  metrics   http://{admin[0]}:{admin[1]}/metrics"
    yield f"  xds       {xds[0]}:{xds[1]}"
    if urls := [listen.url for listen in listens if listen.url]:
        yield ""
        well = (status.summary for _, status in routes(plane.statuses()) if status.well)
        yield f"  try       {attempt(urls, well)}"


def _listed(what: str, told: Sequence[str]) -> Iterator[str]:
    yield from (f"  {what:<9} {one}" for one in told[:MOST])
    if more := len(told[MOST:]):
        yield f"  {what:<9} and {more:,} more: legation status"


def _told(key: Key, status: Status) -> str:
    return status.summary if status.well else f"{key} is not well: {status.summary}"


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
