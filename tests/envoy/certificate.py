"""Certificates for HTTPS listeners, and what a client is shown of them."""

from __future__ import annotations

import base64
import datetime as dt
import socket
import ssl

from anyio import to_thread
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from manifest import Document, document

KEY = ec.generate_private_key(ec.SECP256R1())


def secret(name: str, host: str, organisation: str = "first") -> Document:
    """A TLS Secret with a certificate of its own for a host."""
    subject = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.COMMON_NAME, host),
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organisation),
        ]
    )
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(subject, subject, KEY.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(KEY, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    key = KEY.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    data = {"tls.crt": made.public_bytes(pem), "tls.key": key}
    encoded = {part: base64.b64encode(body).decode() for part, body in data.items()}
    return document("v1", "Secret", name, type="kubernetes.io/tls", data=encoded)


def unverified() -> ssl.SSLContext:
    """TLS that takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def shown(port: int, host: str) -> tuple[str, str]:
    """The common name and the organisation that a new client of a host is shown."""
    return await to_thread.run_sync(_shown, port, host)


def _shown(port: int, host: str) -> tuple[str, str]:
    with (
        socket.create_connection(("127.0.0.1", port), 5) as plain,
        unverified().wrap_socket(plain, server_hostname=host) as stream,
    ):
        subject = x509.load_der_x509_certificate(stream.getpeercert(binary_form=True)).subject
    name, organisation = x509.NameOID.COMMON_NAME, x509.NameOID.ORGANIZATION_NAME
    return tuple(str(subject.get_attributes_for_oid(oid)[0].value) for oid in (name, organisation))
