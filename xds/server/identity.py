"""Identities: whom a client's certificate names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from xds.model import Principal

NAMES: Final = ("URI", "DNS")
"""The kinds of subject alternative names that count, the most telling first."""


def identify(certificate: Mapping[str, Any] | None) -> Principal | None:
    """Whom a certificate names, as `ssl.SSLSocket.getpeercert` tells of it: its alternative names, or else its common name.

    None without TLS, and for a client that showed none that was verified.
    """
    if not certificate:
        return None
    alternatives = certificate.get("subjectAltName", ())
    names = tuple(name for wanted in NAMES for kind, name in alternatives if kind == wanted)
    return Principal(names or _common_names(certificate))


def _common_names(certificate: Mapping[str, Any]) -> tuple[str, ...]:
    subject = (pair for part in certificate.get("subject", ()) for pair in part)
    return tuple(value for key, value in subject if key == "commonName")
