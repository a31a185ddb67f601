"""`legation proxies`: who is connected?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click

from xds.control.cli import option, screen
from xds.control.cli.asking import ask

HEADERS: Final = ("PROXY", "GROUP", "DIALECT", "SINCE", "TYPE", "RESOURCES", "VERSION", "ANSWER")
REFUSED: Final = ("REFUSED", "TYPE", "VERSION", "GROUP", "IN FORCE", "MADE FROM", "WHY")
MANY: Final = 3
"""More objects than this are told as a number."""
UNITS: Final = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


@click.command(epilog=option.examples("legation proxies", "legation proxies -o json | jq '.refused[].message'"))
@option.admin
@option.output("table", "json")
def proxies(admin: str, output: str) -> None:
    """Show who is connected, and what was refused.

    For each proxy and type: how many resources it was sent, their version, and its answer. A resource that a
    proxy refused is listed below with the proxy's own words; it is not offered again until it changes, and the
    last version that was accepted stays in force where there is one.
    """
    told = ask(admin, "/proxies")
    if output == "json":
        click.echo(screen.as_json(told))
        return
    if told["proxies"]:
        screen.table(HEADERS, [row for one in told["proxies"] for row in _rows(one, datetime.now(UTC))])
    else:
        click.echo("No proxy is connected.")
    if told["refused"]:
        click.echo()
        screen.table(REFUSED, [_refused(one) for one in told["refused"]])


def _rows(one: Mapping[str, Any], now: datetime) -> Iterator[Sequence[str]]:
    """One row for each type; who it is about stands in the first."""
    who = (one["id"], one["group"], one["dialect"], ago(now - datetime.fromisoformat(one["since"])))
    for short, held in one["types"].items() or (("-", None),):
        yield (*who, short, *_held(held))
        who = ("", "", "", "")


def _held(held: Mapping[str, Any] | None) -> Sequence[str]:
    if held is None:
        return "", "", "asked for nothing yet"
    answer = f"{held['answer']}: {held['error']}" if held["error"] else held["answer"]
    return str(held["resources"]), held["version"], answer


def _refused(one: Mapping[str, Any]) -> Sequence[str]:
    kept = "an older version" if one["kept"] else "nothing"
    return one["name"], one["type"], one["version"], one["group"], kept, _listed(one["objects"]), one["message"]


def _listed(objects: Sequence[str]) -> str:
    more = len(objects) - MANY
    return ", ".join(objects[:MANY]) + (f" (+{more} more)" if more > 0 else "")


def ago(since: timedelta) -> str:
    """A time in its largest unit: `3 min`, `2 d`."""
    seconds = max(0, int(since.total_seconds()))
    unit, size = next(((unit, size) for unit, size in UNITS if seconds >= size), UNITS[-1])
    return f"{seconds // size} {unit}"
