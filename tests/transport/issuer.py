"""An authority that issues certificates while the tests run."""

from __future__ import annotations

import datetime as dt
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

LOOPBACK = ip_address("127.0.0.1")
DAY = dt.timedelta(days=1)
PEM = serialization.Encoding.PEM
SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)
"""What an authority's key is for."""


class Issuer:
    """One authority. Everything it issues is written as PEM files into a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.file = folder / f"{name}.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._made = _certificate(name, name, self._key, self._key, ca=True)
        self.file.write_bytes(self._made.public_bytes(PEM))

    def issue(self, name: str, *, uri: str = "", age: dt.timedelta = dt.timedelta(), into: Path | None = None):
        """The (certificate, key) files of a name: a certificate that is good for a day, and `age` old."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(name, self.name, key, self._key, uri=uri, age=age)
        certificate, private = (into or self.folder) / f"{name}.crt", (into or self.folder) / f"{name}.key"
        certificate.write_bytes(made.public_bytes(PEM))
        none = serialization.NoEncryption()
        private.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, none))
        return certificate, private


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _certificate(name, issuer, key, signer, *, ca=False, uri="", age=dt.timedelta()):
    now = dt.datetime.now(dt.UTC) - age
    names = [x509.DNSName(name), x509.IPAddress(LOOPBACK), *([x509.UniformResourceIdentifier(uri)] if uri else [])]
    builder = (
        x509.CertificateBuilder(_name(issuer), _name(name), key.public_key(), x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if ca:  # Python asks for it since 3.13
        builder = builder.add_extension(SIGNS, critical=True)
    return builder.sign(signer, hashes.SHA256())
