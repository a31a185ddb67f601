"""Key pairs for the case folders, made when they are needed: no private key stands in a file.

Where a Secret or ConfigMap of a case says `<certificate of NAME>`, `<key of NAME>` or `<locked key of NAME>`, optionally
with `on secp256k1` behind it, that is what it has in the test. Keys are derived from the name, so a case is always the same.
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PLACEHOLDER = re.compile(r"<(?P<what>certificate|key|locked key) of (?P<name>[^ >]+)(?: on (?P<curve>\w+))?>")
CURVES = {None: ec.SECP256R1(), "secp256k1": ec.SECP256K1()}
BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2126, 1, 1, tzinfo=UTC)

_written: dict[str, str] = {}


def filled(document: Any) -> Any:
    """A Secret with PEM text in the place of its placeholders, in `data` in base64, a ConfigMap with it as it is; anything
    else unchanged.
    """
    if not isinstance(document, dict) or document.get("kind") not in ("Secret", "ConfigMap"):
        return document
    if document["kind"] == "ConfigMap":
        return {**document, "data": {name: _fill(value) for name, value in document.get("data", {}).items()}}
    plain = {name: _fill(value) for name, value in document.get("stringData", {}).items()}
    coded = {
        name: _encoded(_fill(value)) if PLACEHOLDER.match(value) else value
        for name, value in document.get("data", {}).items()
    }
    return {**document, **({"stringData": plain} if plain else {}), **({"data": coded} if coded else {})}


def emptied(text: str) -> str:
    """The text with the placeholders in the place of the PEM text that stands there in base64."""
    for pem, placeholder in _written.items():
        text = text.replace(_encoded(pem), placeholder)
    return text


def _fill(value: str) -> str:
    found = PLACEHOLDER.fullmatch(value.strip())
    if found is None:
        return value
    pem = _pem(found["what"], found["name"], found["curve"])
    _written[pem] = found[0]
    return pem


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@cache
def _pem(what: str, name: str, curve: str | None) -> str:
    key = ec.derive_private_key(int.from_bytes(sha256(name.encode()).digest()) >> 8, CURVES[curve])
    if what == "certificate":
        return _certificate(name, key)
    locked = serialization.BestAvailableEncryption(b"secret")
    how = locked if what == "locked key" else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how).decode()


def _certificate(name: str, key: ec.EllipticCurvePrivateKey) -> str:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder(subject, subject, key.public_key(), 1, BEGIN, END)
    named = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return named.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
