"""The mistakes that people make, what each is told, and the condition that says it to programs.

Every file stands beside a good Gateway `edge` with a route `good` to a Backend `echo`. `said` is what a person reads, in
full; its lines after the first are hints.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from xds.model import Key, Kind

GATEWAY = Key(Kind("gateway.networking.k8s.io", "Gateway"), "default", "bad")
ROUTE = Key(Kind("gateway.networking.k8s.io", "HTTPRoute"), "default", "bad")

GOOD_GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: edge
spec:
  gatewayClassName: legation
  addresses: [{type: IPAddress, value: 127.0.0.1}]
  listeners:
    - {name: http, protocol: HTTP, port: 8080}
"""

GOOD_ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: good
spec:
  parentRefs: [{name: edge}]
  hostnames: [good.example]
  rules:
    - backendRefs:
        - {group: gateway.envoyproxy.io, kind: Backend, name: echo}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {name: echo}
spec:
  endpoints:
    - ip: {address: 127.0.0.1, port: 3000}
"""

BACKEND = "{group: gateway.envoyproxy.io, kind: Backend, name: echo}"


def route(
    backend: str = BACKEND,
    *,
    hostname: str = "bad.example",
    path: str = "{type: PathPrefix, value: /}",
    parent: str = "{name: edge}",
    filters: str = "[]",
) -> str:
    """An HTTPRoute `bad`."""
    return f"""\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: bad
spec:
  parentRefs: [{parent}]
  hostnames:
    - {hostname}
  rules:
    - matches:
        - path: {path}
      filters: {filters}
      backendRefs:
        - {backend}
"""


def gateway(*listeners: str) -> str:
    """A Gateway `bad`, its listeners from line 9 on."""
    lines = "".join(f"    - {one}\n" for one in listeners)
    return GOOD_GATEWAY.replace("name: edge", "name: bad").partition("    - {name: http")[0] + lines


def https(secret: str) -> str:
    """A listener that wants a certificate."""
    return f"{{name: x, protocol: HTTPS, port: 8443, tls: {{certificateRefs: [{{name: {secret}}}]}}}}"


@cache
def misfit() -> str:
    """A Secret whose key belongs to another certificate."""
    ours, theirs = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    name, now = x509.Name([]), datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, ours.public_key(), 1, now, now + timedelta(days=1)).sign(
        ours, hashes.SHA256()
    )
    pem = serialization.Encoding.PEM
    form = serialization.PrivateFormat.PKCS8
    private = theirs.private_bytes(pem, form, serialization.NoEncryption())
    values = {"tls.crt": made.public_bytes(pem), "tls.key": private}
    lines = "".join(
        f"  {field}: |\n" + "".join(f"    {line}\n" for line in value.decode().splitlines())
        for field, value in values.items()
    )
    return f"apiVersion: v1\nkind: Secret\nmetadata: {{name: pair}}\ntype: kubernetes.io/tls\nstringData:\n{lines}"


@dataclass(frozen=True)
class Mistake:
    """A file `bad.yaml`, what is said of it, and (object, part, type, reason) of the condition.

    `answers_500` says that the route is served, with 500 for an answer.
    """

    text: str
    said: str
    condition: tuple[Key, str, str, str] | None = None
    answers_500: bool = False
    severity: str = "error"


MISTAKES = {
    "unparsable": Mistake("kind: [\n", "bad.yaml:2: is not valid YAML: did not find expected node content"),
    "not an object": Mistake("hello\n", "bad.yaml:1: is no object: a document has apiVersion, kind and metadata"),
    "no name": Mistake(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nspec: {}\n",
        "bad.yaml:1: metadata is missing\n    for instance metadata: {name: my-route}",
    ),
    "a kind with a slip": Mistake(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoot\nmetadata: {name: bad}\n",
        "bad.yaml:2: HTTPRoot default/bad: is of kind HTTPRoot (gateway.networking.k8s.io/v1), which nothing loaded here"
        " understands\n    did you mean HTTPRoute (gateway.networking.k8s.io/v1)?",
    ),
    "an unknown kind of our own language": Mistake(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: BackendTLSPolicy\nmetadata: {name: bad}\n",
        "bad.yaml:2: BackendTLSPolicy default/bad: is of kind BackendTLSPolicy (gateway.networking.k8s.io/v1), which nothing"
        " loaded here understands\n    it is left out; if something should understand it, load the source that does",
    ),
    "a kind of others": Mistake(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: bad}\n",
        "bad.yaml:2: Deployment default/bad: is of kind Deployment (apps/v1), which nothing loaded here understands\n"
        "    it is left out; if something should understand it, load the source that does",
        severity="warning",
    ),
    "a wrong type": Mistake(
        gateway('{name: x, protocol: HTTP, port: "8081"}'),
        'bad.yaml:9: Gateway default/bad: spec.listeners[0].port must be a whole number, not "8081"\n'
        "    write it without quotes",
        (GATEWAY, "", "Accepted", "Invalid"),
    ),
    "an unknown field": Mistake(
        route().replace("backendRefs", "backendRef"),
        "bad.yaml:13: HTTPRoute default/bad: spec.rules[0].backendRef is no known field\n    did you mean backendRefs?",
        (ROUTE, "parent default/edge", "Accepted", "Invalid"),
    ),
    "a port out of range": Mistake(
        gateway("{name: x, protocol: HTTP, port: 70000}"),
        "bad.yaml:9: Gateway default/bad: spec.listeners[0].port must be between 1 and 65535, not 70000",
        (GATEWAY, "", "Accepted", "Invalid"),
    ),
    "a hostname with a scheme": Mistake(
        route(hostname="https://bad.example"),
        "bad.yaml:8: HTTPRoute default/bad: spec.hostnames[0] must be a hostname such as example.com or *.example.com, not"
        ' "https://bad.example"\n    write only the name, without the scheme',
        (ROUTE, "parent default/edge", "Accepted", "Invalid"),
    ),
    "an invalid regex": Mistake(
        route(path="{type: RegularExpression, value: '/(a'}"),
        "bad.yaml:11: HTTPRoute default/bad: spec.rules[0].matches[0].path.value is no valid regular"
        " expression: missing ): /(a",
        (ROUTE, "parent default/edge", "Accepted", "Invalid"),
    ),
    "a missing Backend": Mistake(
        route("{group: gateway.envoyproxy.io, kind: Backend, name: nowhere}"),
        "bad.yaml:14: HTTPRoute default/bad: there is no Backend default/nowhere; what is routed to it is answered 500"
        " (parent default/edge: ResolvedRefs is False, BackendNotFound)",
        (ROUTE, "parent default/edge", "ResolvedRefs", "BackendNotFound"),
        answers_500=True,
    ),
    "a missing Service": Mistake(
        route("{name: nowhere, port: 80}"),
        "bad.yaml:14: HTTPRoute default/bad: there is no Service default/nowhere; what is routed to it is answered 500"
        " (parent default/edge: ResolvedRefs is False, BackendNotFound)",
        (ROUTE, "parent default/edge", "ResolvedRefs", "BackendNotFound"),
        answers_500=True,
    ),
    "a reference without a grant": Mistake(
        route(BACKEND.replace("}", ", namespace: far}")),
        "bad.yaml:14: HTTPRoute default/bad: Backend far/echo is in another namespace; a ReferenceGrant in namespace far"
        " must permit HTTPRoutes of namespace default; what is routed to it is answered 500"
        " (parent default/edge: ResolvedRefs is False, RefNotPermitted)",
        (ROUTE, "parent default/edge", "ResolvedRefs", "RefNotPermitted"),
        answers_500=True,
    ),
    "a filter that cannot be honoured": Mistake(
        route(filters="[{type: ExtensionRef, extensionRef: {group: a.example, kind: B, name: c}}]"),
        "bad.yaml:12: HTTPRoute default/bad: spec.rules[0].filters[0].type ExtensionRef is not supported here;"
        " the rule answers 500 (parent default/edge: Accepted is False, UnsupportedValue)",
        (ROUTE, "parent default/edge", "Accepted", "UnsupportedValue"),
        answers_500=True,
    ),
    "a missing Gateway": Mistake(
        route(parent="{name: edges}"),
        "bad.yaml:6: HTTPRoute default/bad: spec.parentRefs[0].name names Gateway default/edges, which does not exist\n"
        "    create it, or write the name and the namespace of one that exists",
    ),
    "a missing listener": Mistake(
        route(parent="{name: edge, sectionName: tls}"),
        "bad.yaml:6: HTTPRoute default/bad: Gateway default/edge has no listener named tls"
        " (parent default/edge/tls: Accepted is False, NoMatchingParent)",
        (ROUTE, "parent default/edge/tls", "Accepted", "NoMatchingParent"),
    ),
    "a missing Secret": Mistake(
        gateway(https("nowhere")),
        "bad.yaml:9: Gateway default/bad: Secret default/nowhere does not exist"
        " (listener x: ResolvedRefs is False, InvalidCertificateRef)",
        (GATEWAY, "listener x", "ResolvedRefs", "InvalidCertificateRef"),
    ),
    "a key that does not fit": Mistake(
        f"{gateway(https('pair'))}---\n{misfit()}",
        "bad.yaml:9: Gateway default/bad: Secret default/pair has no usable certificate: tls.key does not fit the"
        " certificate in tls.crt (listener x: ResolvedRefs is False, InvalidCertificateRef)",
        (GATEWAY, "listener x", "ResolvedRefs", "InvalidCertificateRef"),
    ),
    "two listeners in conflict": Mistake(
        gateway("{name: x, protocol: HTTP, port: 8081}", "{name: y, protocol: HTTP, port: 8081}"),
        "bad.yaml:9: Gateway default/bad: listener y has every hostname on port 8081 too; change one of them"
        " (listener x: Accepted is False, HostnameConflict)",
        (GATEWAY, "listener x", "Conflicted", "HostnameConflict"),
    ),
}
