"""`legation diff`: what a change of files would change on the wire."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any, Final

import click

from xds.control.cli import offline, option, screen
from xds.control.cli.screen import Failure
from xds.control.reading import errors
from xds.model import Resource, Snapshot
from xds.model.type_url import short_type
from xds.server import view

SIGNS: Final[Mapping[str, tuple[str, str]]] = {"added": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red")}
COLOURS: Final[Mapping[str, str]] = {"+": "green", "-": "red", "@": "cyan"}
EMPTY: Final = Snapshot()


@dataclass(frozen=True, slots=True)
class Change:
    """One resource of one node group that is not the same before and after; at most one of the two is None."""

    group: str
    before: Resource | None
    after: Resource | None

    @property
    def what(self) -> str:
        """`added`, `changed` or `removed`."""
        return "added" if self.before is None else "removed" if self.after is None else "changed"

    @property
    def resource(self) -> Resource:
        """The resource as it is after the change, or as it was."""
        one = self.after or self.before
        assert one is not None
        return one


@click.command(
    epilog=option.examples(
        "legation diff live/ proposed/",
        "git worktree add /tmp/main main && legation diff /tmp/main/routes routes",
    )
)
@click.argument("old")
@click.argument("new")
@option.config
@option.output("text", "json")
def diff(old: str, new: str, config: str | None, output: str) -> None:
    """Print what would change on the wire.

    OLD and NEW are files or directories. Both are translated; what is listed is the resources that would be
    added, removed or changed, for each node group, and for a changed one the lines of its JSON that differ.
    Secrets are [redacted].

    Exit code: 0 nothing would change, 1 something would, 2 one of the two has errors.
    """
    changes = list(_changes(_snapshots(old, config), _snapshots(new, config)))
    click.echo(screen.as_json(_data(changes)) if output == "json" else "\n".join(_lines(changes)))
    raise SystemExit(1 if changes else 0)


def _snapshots(path: str, config: str | None) -> Mapping[str, Snapshot]:
    """What one side means. Raises Failure, after telling them, when it has errors: what is left out would look removed."""
    reading = offline.read(option.to_read((path,), config))
    if wrong := errors(reading.diagnostics):
        for one in view.diagnostics(wrong):
            click.echo(screen.diagnostic(one), err=True)
        raise Failure(f"{path} has {screen.count(len(wrong), 'error')}, so it cannot be compared")
    return reading.translation.snapshots


def _changes(old: Mapping[str, Snapshot], new: Mapping[str, Snapshot]) -> Iterator[Change]:
    for group in sorted({*old, *new}):
        was, now = old.get(group, EMPTY), new.get(group, EMPTY)
        for type_url in view.in_order({*was.types, *now.types}):
            before, after = was.of_type(type_url), now.of_type(type_url)
            for name in sorted({*before, *after}):
                if before.get(name) != after.get(name):
                    yield Change(group, before.get(name), after.get(name))


def _data(changes: Iterable[Change]) -> dict[str, Any]:
    """Node group -> short type -> name -> what happens to it, and its JSON before and after."""
    data: dict[str, Any] = {}
    for one in changes:
        sides = {"before": one.before, "after": one.after}
        bodies = {side: view.body(resource) for side, resource in sides.items() if resource is not None}
        of_type = data.setdefault(one.group, {}).setdefault(short_type(one.resource.type_url), {})
        of_type[one.resource.name] = {"change": one.what, **bodies}
    return data


def _lines(changes: Iterable[Change]) -> Iterator[str]:
    group, counts = "", Counter[str]()
    for one in changes:
        if one.group != group:
            group = one.group
            yield click.style(group, bold=True)
        sign, colour = SIGNS[one.what]
        yield click.style(f"  {sign} {short_type(one.resource.type_url)} {one.resource.name}", fg=colour)
        yield from _body(one)
        counts[one.what] += 1
    yield ", ".join(f"{counts[what]} {what}" for what in SIGNS) if counts else "Nothing would change."


def _body(change: Change) -> Iterator[str]:
    """The lines that differ, for a resource that is there before and after."""
    if change.before is None or change.after is None:
        return
    before, after = (screen.as_json(view.body(one)).splitlines() for one in (change.before, change.after))
    differing = list(unified_diff(before, after, lineterm=""))[2:]
    for line in differing or ["(what differs is redacted)"]:
        yield "      " + click.style(line, fg=COLOURS.get(line[0]))
