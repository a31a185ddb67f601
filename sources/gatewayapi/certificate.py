"""Certificates: the Secrets that HTTPS listeners name, checked as far as Envoy would."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from sources.gatewayapi.gateway import Verdict
from sources.gatewayapi.grant import Crossing, granted
from sources.gatewayapi.kind import GATEWAY, SECRET
from sources.gatewayapi.known import Known
from sources.gatewayapi.schema.core import Secret
from sources.gatewayapi.schema.gateway import Gateway
from sources.gatewayapi.schema.reference import SecretRef
from sources.graph import Reader
from xds.codec import build, resource
from xds.model import ConfigError, Key, Kind, Resource

MESSAGE: Final = "envoy.extensions.transport_sockets.tls.v3.Secret"
INVALID: Final = "InvalidCertificateRef"
RESOLVED: Final = Verdict(True, "ResolvedRefs")
MIN_RSA_BITS: Final = 2048
TLS_TYPE: Final = "kubernetes.io/tls"
CURVES: Final = ("secp256r1", "secp384r1", "secp521r1")
"""The elliptic curves whose certificates Envoy takes."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """The usable Secrets of a listener, as resource names, and the condition ResolvedRefs of all that it names."""

    names: tuple[str, ...] = ()
    verdict: Verdict = RESOLVED


def certificates(read: Reader, at: tuple[Key, str]) -> Certificates:
    """The certificates of a listener, by its Gateway and its name. One that cannot be used takes no other with it."""
    gateway: Known[Gateway] | None = read.input(at[0])
    listeners = gateway.document.spec.listeners if gateway else ()
    listener = next((one for one in listeners if one.name == at[1]), None)
    if listener is None or listener.tls is None:
        return Certificates()
    refs = [(one, _key_of(one, at[0].namespace)) for one in listener.tls.certificate_refs]
    if not refs:
        return Certificates((), Verdict(False, INVALID, "tls.certificateRefs names no certificate"))
    judged = [(key, _judge(read, at[0].namespace, key)) for _, key in refs]
    usable = tuple(dict.fromkeys(f"{key.namespace}/{key.name}" for key, verdict in judged if verdict.status))
    return Certificates(usable, next((verdict for _, verdict in judged if not verdict.status), RESOLVED))


def secret(read: Reader, name: str) -> Resource | None:
    """The TLS certificate of this name, `namespace/name`; None when its Secret is gone."""
    key = Key(SECRET, *name.split("/"))
    pair = read.get(_pair, key)
    if isinstance(pair, str):
        return None
    chain, private = pair
    certificate = {"certificate_chain": {"inline_bytes": chain}, "private_key": {"inline_bytes": private}}
    return resource(build(MESSAGE, {"name": name, "tls_certificate": certificate}), authors=(key,))


def _key_of(ref: SecretRef, namespace: str) -> Key:
    return Key(Kind(ref.group, ref.kind), ref.namespace or namespace, ref.name)


def _judge(read: Reader, namespace: str, key: Key) -> Verdict:
    """Whether a Gateway of this namespace may and can use a certificate."""
    if key.kind != SECRET:
        kind = f"{key.kind.group or 'core'}/{key.kind.name}"
        return Verdict(False, INVALID, f"{key} cannot be a certificate: {kind} is no Secret")
    if not read.get(granted, crossing := Crossing(GATEWAY, namespace, key)):
        return Verdict(False, "RefNotPermitted", crossing.wish)
    pair = read.get(_pair, key)
    return Verdict(False, INVALID, f"{key} {pair}") if isinstance(pair, str) else RESOLVED


def _pair(read: Reader, key: Key) -> tuple[bytes, bytes] | str:
    """(certificate chain, private key) of a Secret as PEM, or what is wrong with it."""
    known: Known[Secret] | None = read.input(key)
    if known is None:
        return "does not exist"
    if known.document.type != TLS_TYPE:
        return f"is of type {known.document.type}; a certificate must be of type {TLS_TYPE}"
    try:
        chain, private = (_value(known.document, name) for name in ("tls.crt", "tls.key"))
        _must_fit(_leaf(chain), _private_key(private))
    except ConfigError as error:
        return f"has no usable certificate: {error.field} {error.message}"
    return chain, private


def _value(document: Secret, name: str) -> bytes:
    if name in document.string_data:
        return document.string_data[name].encode()
    try:
        value = base64.b64decode(document.data.get(name, ""), validate=True)
    except binascii.Error:
        raise ConfigError("is no base64; stringData takes it as it is", field=f"data.{name}") from None
    if not value:
        raise ConfigError("is missing", field=f"data.{name}")
    return value


def _leaf(chain: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(chain)[0]
    except ValueError:
        raise ConfigError("holds no PEM certificate", field="tls.crt") from None


def _private_key(private: bytes) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(private, password=None)
    except TypeError:
        raise ConfigError("is encrypted; Envoy needs it in the clear", field="tls.key") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError("holds no PEM private key", field="tls.key") from None


def _must_fit(leaf: x509.Certificate, private: PrivateKeyTypes) -> None:
    """Raises ConfigError unless the key belongs to the certificate and is of a kind that Envoy serves."""
    if isinstance(private, EllipticCurvePrivateKey):
        if private.curve.name not in CURVES:
            raise ConfigError(f"is on curve {private.curve.name}; Envoy takes {', '.join(CURVES)}", field="tls.key")
    elif not isinstance(private, RSAPrivateKey):
        raise ConfigError("is neither an RSA nor an ECDSA key; Envoy serves no other", field="tls.key")
    elif private.key_size < MIN_RSA_BITS:
        raise ConfigError(f"has {private.key_size} bits; Envoy takes RSA keys from {MIN_RSA_BITS} on", field="tls.key")
    if _public(leaf.public_key()) != _public(private.public_key()):
        raise ConfigError("does not fit the certificate in tls.crt", field="tls.key")


def _public(key: CertificatePublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
