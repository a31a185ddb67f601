"""`legation translate`: what Envoy would be sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from xds.codec import resource_to_json
from xds.control.cli import offline, option, screen
from xds.control.reading import errors
from xds.model import ConfigError, Snapshot
from xds.model.type_url import SHORT_TYPES
from xds.server import view


@click.command(
    epilog=option.examples(
        "legation translate gateway.yaml routes/",
        "legation translate routes/ --type rds --group default/quickstart",
        "legation translate routes/ -o json | jq '.[\"default/quickstart\"].cds[].name'",
    )
)
@option.paths
@option.config
@click.option("--type", "short", type=click.Choice(list(SHORT_TYPES)), help="Only this type: cds are clusters, and so on.")
@click.option("--group", metavar="NAME", help="Only this node group. Each Gateway is one: namespace/name.")
@click.option("--show-secrets", is_flag=True, help="Show private keys and passwords, which are [redacted] otherwise.")
@option.output("yaml", "json")
def translate(
    *, paths: tuple[str, ...], config: str | None, short: str | None, group: str | None, show_secrets: bool, output: str
) -> None:
    """Print the Envoy resources that PATHs mean.

    This is what proxies would be sent, as JSON data with Envoy's own field names: node group, type, resources.
    What is wrong with the files is said on standard error, as `check` says it; the rest is translated all the
    same.

    Exit code: 0 all is well, 1 some of it is not in force, 2 nothing could be translated.
    """
    reading = offline.read(option.to_read(paths, config))
    show = resource_to_json if show_secrets else view.body
    snapshots = of_group(reading.translation.snapshots, group)
    shown = view.snapshots(snapshots, show, only=SHORT_TYPES[short] if short else None)
    click.echo(screen.WRITERS[output](_listed(shown)))
    for one in view.diagnostics(reading.complaints):
        click.echo(screen.diagnostic(one), err=True)
    raise SystemExit(1 if errors(reading.complaints) else 0)


def of_group(snapshots: Mapping[str, Snapshot], group: str | None) -> Mapping[str, Snapshot]:
    """The snapshots of all groups, or of this one. Raises ConfigError when there is none of that name."""
    if group is None:
        return snapshots
    if group not in snapshots:
        there = ", ".join(sorted(snapshots)) or "none"
        raise ConfigError(f"there is no node group {group!r}", hint=f"there are: {there}")
    return {group: snapshots[group]}


def _listed(shown: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Resources without their names in front: each says its own."""
    return {group: {short: list(named.values()) for short, named in types.items()} for group, types in shown.items()}
