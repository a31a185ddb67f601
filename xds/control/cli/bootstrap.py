"""`legation bootstrap`: what an Envoy starts with."""

from __future__ import annotations

from typing import Final

import click

from xds.codec import bootstrap as envoy
from xds.codec.written import as_yaml
from xds.control.cli import option, screen

ADMIN: Final = ("127.0.0.1", 9901)
"""Where Envoy's own admin page listens, as in Envoy's documentation."""


def address(_: click.Context, __: click.Parameter, value: str) -> tuple[str, int]:
    """The (host, port) of `host:port`; an IPv6 host stands in brackets."""
    host, _colon, port = value.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise click.BadParameter(f"{value!r} is no host:port; it looks like 127.0.0.1:18000")
    return host.removeprefix("[").removesuffix("]"), int(port)


@click.command(
    short_help="Print what an Envoy of your own, or gRPC, starts with.",
    epilog=option.examples(
        "legation bootstrap --group default/quickstart > envoy.yaml && envoy -c envoy.yaml",
        "legation bootstrap --group default/quickstart --xds-address xds.example.com:18000",
        "legation bootstrap --group edge --tls-ca ca.pem --tls-cert envoy.crt --tls-key envoy.key",
        "legation bootstrap --for grpc --group greeter-clients > grpc.json",
    ),
)
@click.option("--group", required=True, metavar="NAME", help="The node group to belong to: namespace/name.")
@click.option("--node-id", metavar="ID", help="Its own name; Envoy's --service-node says it too.  [default: the group's]")
@click.option(
    "--xds-address",
    metavar="HOST:PORT",
    callback=address,
    default="127.0.0.1:18000",
    show_default=True,
    help="Where legation serves.",
)
@click.option(
    "--dialect",
    type=click.Choice(list(envoy.API_TYPES)),
    default="delta",
    show_default=True,
    help="The form of xDS; gRPC speaks sotw.",
)
@click.option(
    "--for",
    "client",
    type=click.Choice(["envoy", "grpc"]),
    default="envoy",
    show_default=True,
    help="Who is to start with it: an Envoy, or gRPC without a proxy.",
)
@click.option("--tls-ca", metavar="FILE", help="Connect over TLS, to a legation whose certificate this authority signed.")
@click.option("--tls-cert", metavar="FILE", help="The certificate to show there, where legation has xds.tls.client_ca.")
@click.option("--tls-key", metavar="FILE", help="Its private key.")
@click.option("--load-reports", is_flag=True, help="Report the load, to a legation with reports.load_interval.")
def bootstrap(
    *,
    group: str,
    node_id: str | None,
    xds_address: tuple[str, int],
    dialect: envoy.Dialect,
    client: str,
    load_reports: bool,
    **tls: str | None,
) -> None:
    """Print the bootstrap of an Envoy of your own, or of gRPC without a proxy.

    It is the YAML file that an Envoy starts with. Such an Envoy asks legation for everything over one stream.
    Each Gateway is a node group, and `legation proxies` shows the Envoys under their node ids. Envoy's own
    admin page is at 127.0.0.1:9901; change it where several Envoys share a machine.

    For gRPC it is the JSON file that the environment variable GRPC_XDS_BOOTSTRAP names. Its group is one of an
    EnvoyResources' spec.groups.
    """
    secured = _secured(**tls)
    if client == "grpc":
        if load_reports:
            raise click.UsageError("--load-reports is for an Envoy: gRPC reports where its cluster has an lrs_server")
        click.echo(screen.as_json(envoy.grpc_bootstrap(group, node_id or group, xds_address, secured)))
        return
    body = envoy.bootstrap(group, node_id or group, xds_address, admin=ADMIN, dialect=dialect, load_reports=load_reports)
    click.echo(as_yaml(envoy.over_tls(body, **secured) if secured else body))


def _secured(tls_ca: str | None, tls_cert: str | None, tls_key: str | None) -> dict[str, str]:
    """The files of TLS; empty without it."""
    if (tls_cert is None) is not (tls_key is None) or (tls_cert and tls_ca is None):
        raise click.UsageError("--tls-cert goes with --tls-key, and both with --tls-ca")
    if tls_ca is None:
        return {}
    return {"authority": tls_ca, "certificate": tls_cert or "", "key": tls_key or ""}
