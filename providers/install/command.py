"""`legation manifests`: what installs it in a cluster."""

from __future__ import annotations

from importlib.metadata import version as release
from typing import Any, Final

import click

from providers.install import Plan, documents
from xds.codec.written import as_yaml

EXAMPLES: Final = """\b
Examples:
  legation manifests | kubectl apply -f -
  legation manifests --image registry.example.com/legation:0.1.0 --replicas 3 | kubectl apply -f -
  legation manifests --name team-a --namespace team-a --watch team-a --class team-a | kubectl apply -f -
"""


@click.command(short_help="Print what installs it in a Kubernetes cluster.", epilog=EXAMPLES)
@click.option("--name", default="legation", show_default=True, metavar="NAME", help="What its objects are called.")
@click.option("--namespace", default="legation-system", show_default=True, metavar="NAME", help="Where it runs.")
@click.option("--version", metavar="VERSION", help="The version to run.  [default: this one]")
@click.option("--image", metavar="IMAGE", help="The image to run.  [default: legation:VERSION]")
@click.option("--replicas", type=click.IntRange(1), default=2, show_default=True, metavar="N", help="How many of it run.")
@click.option("--class", "gateway_class", default="legation", show_default=True, metavar="NAME", help="Its GatewayClass.")
@click.option("--watch", multiple=True, metavar="NAMESPACE", help="Read this namespace; again for more.  [default: all]")
@click.option(
    "--source",
    multiple=True,
    default=("gatewayapi", "envoy"),
    show_default=True,
    metavar="NAME",
    help="Load this source; again for more.",
)
def manifests(
    *, version: str | None, image: str | None, watch: tuple[str, ...], source: tuple[str, ...], **chosen: Any
) -> None:
    """Print what installs legation in a Kubernetes cluster, as YAML for kubectl apply.

    A namespace, an account that may do what legation does and nothing else, the settings, the replicas, a
    Service, and a GatewayClass. The account's rights are those that the sources need. Proxies connect over TLS:
    a Secret NAME-tls with tls.crt, tls.key and ca.crt has to be there. docs/kubernetes.md says how to make it.
    """
    version = version or release("legation")
    plan = Plan(
        version=version,
        image=image or f"legation:{version}",
        namespaces=tuple(dict.fromkeys(watch)),
        sources=tuple(dict.fromkeys(source)),
        **chosen,
    )
    click.echo(as_yaml(*documents(plan)))
