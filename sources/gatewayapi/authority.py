"""Authorities: the CA certificates by which HTTPS listeners check the certificates of their clients.

They are a property of a port of a Gateway, and Envoy gets them apart from the listener: one that is renewed drains no
connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from cryptography import x509

from sources.gatewayapi.gateway import Verdict
from sources.gatewayapi.grant import Crossing, granted
from sources.gatewayapi.kind import CONFIG_MAP, GATEWAY
from sources.gatewayapi.known import Known
from sources.gatewayapi.schema.core import ConfigMap
from sources.gatewayapi.schema.gateway import Gateway, GatewaySpec, Validation
from sources.gatewayapi.schema.reference import ObjectRef
from sources.graph import Reader
from xds.codec import build, resource
from xds.model import Key, Kind, Resource

MESSAGE: Final = "envoy.extensions.transport_sockets.tls.v3.Secret"
INVALID: Final = "InvalidCACertificateRef"
RESOLVED: Final = Verdict(True, "ResolvedRefs")
BUNDLE: Final = "ca.crt"
"""The entry of a ConfigMap that has PEM certificates."""

TRUST: Final = {"AllowValidOnly": "VERIFY_TRUST_CHAIN", "AllowInsecureFallback": "ACCEPT_UNTRUSTED"}
"""What becomes of a client whose certificate is of none of them."""


@dataclass(frozen=True, slots=True)
class Authorities:
    """By whose certificates the clients of a port are checked, and the condition ResolvedRefs of all that it names.

    `name` is that of the resource, empty when none can be used; `strict` tells that clients without a valid certificate
    are turned away.
    """

    name: str
    strict: bool
    verdict: Verdict = RESOLVED


def authorities(read: Reader, at: tuple[Key, int]) -> Authorities | None:
    """Those of a port of a Gateway; None where clients are not checked."""
    gateway: Known[Gateway] | None = read.input(at[0])
    validation = validation_of(gateway.document.spec, at[1]) if gateway else None
    if validation is None:
        return None
    keys = [_key_of(one, at[0].namespace) for one in validation.ca_certificate_refs]
    judged = [(key, _judge(read, at[0].namespace, key)) for key in keys]
    usable = ",".join(dict.fromkeys(f"{key.namespace}/{key.name}" for key, verdict in judged if verdict.status))
    wrong = next((verdict for _, verdict in judged if not verdict.status), RESOLVED)
    return Authorities(f"{validation.mode}:{usable}" if usable else "", validation.mode == "AllowValidOnly", wrong)


def validation_of(spec: GatewaySpec, port: int) -> Validation | None:
    """How a Gateway wants the clients of a port to be checked; what is said of the port alone counts for more."""
    if spec.tls is None or spec.tls.frontend is None:
        return None
    frontend = spec.tls.frontend
    return next((one.tls for one in frontend.per_port if one.port == port), frontend.default).validation


def trusted(read: Reader, name: str) -> Resource | None:
    """The authorities of this name as one bundle; None when one of them is gone."""
    mode, _, named = name.partition(":")
    keys = tuple(Key(CONFIG_MAP, *one.split("/")) for one in named.split(","))
    bundles = [one for key in keys if isinstance(one := read.get(_bundle, key), bytes)]
    if len(bundles) < len(keys):
        return None
    context: dict[str, Any] = {
        "trusted_ca": {"inline_bytes": b"\n".join(bundles)},
        "trust_chain_verification": TRUST[mode],
    }
    return resource(build(MESSAGE, {"name": name, "validation_context": context}), authors=keys)


def _key_of(ref: ObjectRef, namespace: str) -> Key:
    return Key(Kind(ref.group, ref.kind), ref.namespace or namespace, ref.name)


def _judge(read: Reader, namespace: str, key: Key) -> Verdict:
    """Whether a Gateway of this namespace may and can use a CA certificate."""
    if key.kind != CONFIG_MAP:
        kind = f"{key.kind.group or 'core'}/{key.kind.name}"
        return Verdict(False, "InvalidCACertificateKind", f"{key} has no CA certificate: {kind} is no ConfigMap")
    if not read.get(granted, crossing := Crossing(GATEWAY, namespace, key)):
        return Verdict(False, "RefNotPermitted", crossing.wish)
    bundle = read.get(_bundle, key)
    return Verdict(False, INVALID, f"{key} {bundle}") if isinstance(bundle, str) else RESOLVED


def _bundle(read: Reader, key: Key) -> bytes | str:
    """The certificates in a ConfigMap as PEM, or what is wrong with it."""
    known: Known[ConfigMap] | None = read.input(key)
    if known is None:
        return "does not exist"
    bundle = known.document.data.get(BUNDLE, "").encode()
    try:
        x509.load_pem_x509_certificates(bundle)
    except ValueError:
        return f"has no PEM certificate under {BUNDLE}"
    return bundle
