"""What a Backend must fulfil beyond its types."""

from __future__ import annotations

from collections.abc import Iterator

from sources.gatewayapi.schema.backend import Backend, BackendEndpoint
from sources.gatewayapi.schema.flaw import Flaw
from sources.gatewayapi.schema.gateway_flaw import is_ip

FORMS = ("ip", "fqdn", "unix")


def backend_flaws(backend: Backend) -> Iterator[Flaw]:
    """The mistakes of a Backend: names that DNS resolves and addresses make different clusters, so they do not mix."""
    spec = backend.spec
    if spec.type == "Endpoints" and not spec.endpoints:
        yield Flaw("spec.endpoints", "must not be empty")
    if spec.type == "DynamicResolver" and spec.endpoints:
        yield Flaw("spec.endpoints", "must be absent with type DynamicResolver")
    for index, endpoint in enumerate(spec.endpoints):
        yield from _endpoint(endpoint, f"spec.endpoints[{index}]")
    if len({one.fqdn is None for one in spec.endpoints}) > 1:
        yield Flaw("spec.endpoints", "must be all fqdn or all ip and unix", "make two Backends of it")


def _endpoint(endpoint: BackendEndpoint, path: str) -> Iterator[Flaw]:
    given = [form for form in FORMS if getattr(endpoint, form) is not None]
    if len(given) != 1:
        yield Flaw(path, f"must have exactly one of ip, fqdn and unix, not {' and '.join(given) or 'none'}")
    if endpoint.ip is not None and not is_ip(endpoint.ip.address):
        yield Flaw(f"{path}.ip.address", f"must be an IP address, not {endpoint.ip.address!r}", "a name goes into fqdn")
    if endpoint.unix is not None and not endpoint.unix.path.startswith("/"):
        yield Flaw(f"{path}.unix.path", f"must be an absolute path, not {endpoint.unix.path!r}")
