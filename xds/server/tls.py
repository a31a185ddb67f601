"""TLS: certificates from files, and again from the files when they change."""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, TypeAlias

import anyio
from anyio import to_thread
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec import Struct

from xds.model import ConfigError

log = logging.getLogger(__name__)

LOOK: Final = 1.0
"""Seconds between two looks at the files: a look also sees what no file event tells, as behind a symlink or on a mount."""

VERSIONS: Final[Mapping[str, ssl.TLSVersion]] = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

REASONS: Final[Mapping[str, str]] = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it shows no certificate",
    "WRONG_VERSION_NUMBER": "it does not speak TLS",
    "HTTP_REQUEST": "it does not speak TLS",
    "UNSUPPORTED_PROTOCOL": "it speaks an older TLS than min_version",
    "TLSV1_ALERT_UNKNOWN_CA": "it does not know who signed our certificate",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it does not accept our certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it says that our certificate has expired",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it does not accept our certificate",
}
"""OpenSSL's name for what was wrong with a client -> what that means."""

Seen: TypeAlias = tuple[tuple[int, int, int] | None, ...]
"""What a look saw of each file: when it was written, how long it is, and which file it is; None where there is none."""


class Tls(Struct, frozen=True, forbid_unknown_fields=True):
    """The files that secure connections, all PEM, and read again when they change.

    `certificate` is the server's, with its chain, and `key` its private key, not encrypted. With `client_ca`, clients
    must show a certificate that one of these authorities signed. `min_version` is TLS's.
    """

    certificate: str
    key: str
    client_ca: str | None = None
    min_version: Literal["1.2", "1.3"] = "1.2"

    def files(self) -> dict[str, str]:
        """Setting -> path."""
        paths = {"certificate": self.certificate, "key": self.key, "client_ca": self.client_ca}
        return {setting: path for setting, path in paths.items() if path is not None}


class Certificates:
    """The newest files that were good. `context` is for new connections; those that are open go on as they began."""

    def __init__(self, settings: Tls, speaking: str = "h2") -> None:
        """Reads the files. `speaking` is what is spoken on the connections, as ALPN calls it.

        Raises ConfigError naming the setting and the file that is wrong.
        """
        self._settings, self._speaking = settings, speaking
        self._seen = _look(settings)
        self.context = _context(settings, speaking)

    def lasting(self) -> ssl.SSLContext:
        """A context for a server that keeps the one it is given: each connection gets the newest all the same."""
        kept = _made(self._settings, self._speaking)
        kept.sni_callback = self._renew
        return kept

    def _renew(self, connection: ssl.SSLObject, _name: str | None, _kept: ssl.SSLContext) -> None:
        """Called in each handshake, also in one that asks for no name."""
        connection.context = self.context

    async def follow(self) -> None:
        """Reads the files again whenever they change, for as long as it runs. What is wrong is said, and not taken."""
        while True:
            await anyio.sleep(LOOK)
            await self._refresh()

    async def _refresh(self) -> None:
        seen = await to_thread.run_sync(_look, self._settings)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self.context = await to_thread.run_sync(_context, self._settings, self._speaking)
        except ConfigError as error:
            log.error("%s; the files of before stay in use", error)  # noqa: TRY400  the author's fault: no traceback
        else:
            log.info("%s has changed: new connections are secured with it", ", ".join(self._settings.files().values()))


def _look(settings: Tls) -> Seen:
    return tuple(_see(path) for path in settings.files().values())


def _see(path: str) -> tuple[int, int, int] | None:
    try:
        one = os.stat(path)  # noqa: PTH116  through every symlink, as it will be opened
    except OSError:
        return None
    return one.st_mtime_ns, one.st_size, one.st_ino


def in_words(error: OSError) -> str:
    """Why a client has no TLS connection, as far as that is known here."""
    reason = getattr(error, "reason", None) or ""
    if reason == "CERTIFICATE_VERIFY_FAILED":
        return f"its certificate is not accepted: {getattr(error, 'verify_message', '')}"
    return REASONS.get(reason, str(error))


def _context(settings: Tls, speaking: str) -> ssl.SSLContext:
    _check(settings)
    return _made(settings, speaking)


def _made(settings: Tls, speaking: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = VERSIONS[settings.min_version]
    context.set_alpn_protocols([speaking])
    context.options |= ssl.OP_NO_TICKET  # a resumed session would not show its certificate again
    context.num_tickets = 0
    try:
        context.load_cert_chain(settings.certificate, settings.key)
    except (OSError, ssl.SSLError) as error:
        raise _wrong(settings, "key", f"does not fit the certificate {settings.certificate}") from error
    if settings.client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(settings.client_ca)
    return context


def _check(settings: Tls) -> None:
    """Finds the file that is wrong, which OpenSSL would not name."""
    bodies = {setting: _read(settings, setting, path) for setting, path in settings.files().items()}
    key = bodies.pop("key")
    for setting, body in bodies.items():
        try:
            first, *_ = x509.load_pem_x509_certificates(body)
        except ValueError as error:
            raise _wrong(settings, setting, "holds no PEM certificate") from error
        if not first.not_valid_before_utc <= datetime.now(UTC) <= first.not_valid_after_utc:
            validity = first.not_valid_before_utc, first.not_valid_after_utc
            log.warning("%s is valid from %s to %s only, and will not be accepted now", settings.files()[setting], *validity)
    try:
        load_pem_private_key(key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _wrong(settings, "key", "holds no PEM private key, or one that is encrypted") from error


def _read(settings: Tls, setting: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise _wrong(settings, setting, f"cannot be read: {error.strerror}") from error


def _wrong(settings: Tls, setting: str, what: str) -> ConfigError:
    return ConfigError(f"{settings.files()[setting]} {what}", field=f"xds.tls.{setting}")
