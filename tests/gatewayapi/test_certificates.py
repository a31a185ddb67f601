"""Which keys and certificates Envoy is given, and what is said of the others."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from sources.gatewayapi import GatewayApi, Settings
from xds.model import Object, Objects, Status
from xds.model.type_url import SDS

KEYS = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "RSA 2048": lambda: rsa.generate_private_key(65537, 2048),
    "RSA 1024": lambda: rsa.generate_private_key(65537, 1024),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}
GATEWAY = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "Gateway",
    "metadata": {"name": "gw"},
    "spec": {
        "gatewayClassName": "x",
        "listeners": [{"name": "https", "port": 443, "protocol": "HTTPS", "tls": {"certificateRefs": [{"name": "cert"}]}}],
    },
}


def pair(kind: str) -> tuple[str, str]:
    """(certificate, private key) as PEM."""
    key = KEYS[kind]()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "example.com")])
    unsigned = x509.CertificateBuilder(
        name, name, key.public_key(), 1, datetime(2026, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    )
    certificate = unsigned.sign(key, None if kind == "Ed25519" else hashes.SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM).decode(), private.decode()


def served(certificate: str, private: str) -> tuple[bytes, str]:
    """The Secret that Envoy gets, empty when it gets none; and the message of the listener's ResolvedRefs."""
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cert"}, "type": "kubernetes.io/tls"}
    body = {**secret, "stringData": {"tls.crt": certificate, "tls.key": private}}
    gateway, of_secret = Object.of(GATEWAY), Object.of(body)
    translation = GatewayApi(Settings()).translate(Objects.of([gateway, of_secret]))
    found = translation.snapshots["default/gw"].of_type(SDS).get("default/cert")
    return found.body if found else b"", resolved(translation.statuses[gateway.key])


def resolved(status: Status) -> str:
    (part,) = status.parts
    return next(one.message for one in part.conditions if one.type == "ResolvedRefs")


@pytest.mark.parametrize("kind", ["P-256", "P-384", "P-521", "RSA 2048"])
def test_a_pair_that_fits_is_given_to_envoy_as_it_is(kind):
    certificate, private = pair(kind)
    body, message = served(certificate, private)
    assert message == ""
    assert certificate.encode() in body
    assert private.encode() in body


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("RSA 1024", "tls.key has 1024 bits; Envoy takes RSA keys from 2048 on"),
        ("Ed25519", "tls.key is neither an RSA nor an ECDSA key; Envoy serves no other"),
    ],
)
def test_a_key_that_envoy_would_refuse_is_refused_here(kind, message):
    assert served(*pair(kind)) == (b"", f"Secret default/cert has no usable certificate: {message}")


def test_a_key_that_is_none_is_told_apart_from_one_that_does_not_fit():
    certificate, _ = pair("P-256")
    _, other = pair("P-256")
    assert served(certificate, "no key")[1].endswith("tls.key holds no PEM private key")
    assert served(certificate, other)[1].endswith("tls.key does not fit the certificate in tls.crt")


def test_of_a_chain_the_first_certificate_counts():
    certificate, private = pair("P-256")
    above, _ = pair("P-256")
    assert served(certificate + above, private)[1] == ""
    assert served(above + certificate, private)[1].endswith("tls.key does not fit the certificate in tls.crt")
