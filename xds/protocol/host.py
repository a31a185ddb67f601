"""Hosts: which virtual host answers for a host that a client asks for, in VHDS."""

from __future__ import annotations

from collections.abc import Iterator

from xds.model import Resource, Resources


def answering(resources: Resources, name: str) -> Resource | None:
    """The virtual host with this name (`<route configuration>/<host>`), or that Envoy would choose for it by its domains;
    None where there is none.

    https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto#config-route-v3-virtualhost
    """
    if name in resources:
        return resources[name]
    return next((one for domain in _domains(name) if (one := resources.by_alias.get(domain))), None)


def _domains(name: str) -> Iterator[str]:
    """The domains that a host is in, as aliases: itself, `*.` and a longer or shorter end of it, a beginning, any."""
    routes, _, host = name.rpartition("/")
    yield name
    yield from (f"{routes}/*{host[start:]}" for start in range(1, len(host)))
    yield from (f"{routes}/{host[:end]}*" for end in range(len(host) - 1, 0, -1))
    yield f"{routes}/*"
