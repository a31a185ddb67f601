"""The options of `legation bench`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from pathlib import Path
from typing import Any, Final, TypeAlias

import click

from benchmarks.result.picture import without_matplotlib
from benchmarks.server.table import GROUP, SERVERS, Server, foreign

Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]

DIMENSIONS: Final[Mapping[str, tuple[click.ParamType[Any], str]]] = {
    "proxies": (click.IntRange(1), "How many proxies are connected."),
    "resources": (click.IntRange(1), "How many resources there are."),
    "type": (click.Choice(["cds", "eds", "lds", "rds"]), "What the resources are: cds, eds, lds, rds."),
    "dialect": (click.Choice(["delta", "sotw"]), "delta, sotw."),
    "changed": (click.IntRange(1), "How many resources one change changes."),
    "holding": (click.Choice(["all", "nothing"]), "What returning proxies hold: all, nothing."),
    "stuck": (click.Choice(["nobody", "mute", "deaf"]), "Who is stuck: nobody, mute, deaf."),
    "routes": (click.IntRange(0), "How many HTTPRoutes there are."),
    "envoys": (click.IntRange(1), "How many real Envoys there are."),
    "minutes": (click.IntRange(1), "How long endpoints come and go."),
}
"""Parameter of a grid -> the type of its values, and what they are."""


def listed(one: click.ParamType[Any]) -> Callable[[click.Context, click.Parameter, str | None], tuple[Any, ...] | None]:
    """Reads a list such as `100,1000`."""

    def read(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[Any, ...] | None:
        return value if value is None else tuple(one.convert(part, parameter, ctx) for part in value.split(","))

    return read


def named(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> dict[str, Server]:
    """The servers of --server: names of the table, or NAME=COMMAND."""
    return dict(map(_server, value))


def _server(text: str) -> tuple[str, Server]:
    name, equals, command = text.partition("=")
    if equals:
        return name, Server(command)
    if name not in SERVERS:
        raise click.BadParameter(f"there is no server {name!r}: there are {', '.join(SERVERS)}, or give NAME=COMMAND")
    return name, SERVERS[name]


def drawable(_: click.Context, __: click.Parameter, value: Any) -> Any:
    """Says before everything is measured, not after, that no pictures can be drawn of it."""
    if value and (missing := without_matplotlib()):
        raise click.BadParameter(missing)
    return value


def servers(server: Mapping[str, Server], target: str | None, group: str, on_change: str) -> dict[str, Server]:
    """The servers that these options name; those of the table when they name none."""
    wanted = {**server, **({target: foreign(target, group, on_change)} if target else {})}
    return wanted or dict(SERVERS)


OPTIONS: Final[tuple[Decorator, ...]] = (
    *(
        click.option(f"--{name}", metavar="LIST", callback=listed(one), help=words)
        for name, (one, words) in DIMENSIONS.items()
    ),
    click.option("--server", multiple=True, metavar="NAME", callback=named, help="Measure this one; also NAME=COMMAND."),
    click.option("--target", metavar="HOST:PORT", help="Measure the xDS server there."),
    click.option("--group", default=GROUP, metavar="NAME", show_default=True, help="The cluster of the nodes that ask it."),
    click.option("--on-change", default="", metavar="COMMAND", help="Changes it; run with a text for a resource to hold."),
    click.option("--repetitions", type=click.IntRange(1), metavar="N", help="Runs of every cell.  [default: 1; full: 3]"),
    click.option("--full", is_flag=True, help="Take the grids of the page: about half an hour for all."),
    click.option("--rate", type=click.FloatRange(0), default=0.0, metavar="N", help="Changes a second, in an open loop."),
    click.option("--seconds", type=click.FloatRange(0.1), metavar="N", help="How long it runs.  [default: 2; full: 5]"),
    click.option("--changes", type=click.IntRange(1), default=10, metavar="N", show_default=True, help="Else: one by one."),
    click.option("--fat-acks", is_flag=True, help="Send the node in every request, as an Envoy does by default."),
    click.option("--pin/--no-pin", "pinned", default=True, help="Give servers and clients a core each, or leave it open."),
    click.option(
        "--kubeconfig",
        type=click.Path(dir_okay=False, exists=True, resolve_path=True),
        metavar="FILE",
        help="Measure in this Kubernetes cluster, too; what is made there is removed again.",
    ),
    click.option("--seed", default=1, show_default=True, help="What is chosen by chance is chosen by this."),
    click.option(
        "--json", "file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write all results."
    ),
    click.option(
        "--pictures",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="FOLDER",
        callback=drawable,
        help="Draw them.",
    ),
    click.option("--page", is_flag=True, callback=drawable, help="Write benchmarks/RESULTS.md, and all that belongs to it."),
)


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """All of them."""
    return reduce(lambda made, option: option(made), reversed(OPTIONS), command)
