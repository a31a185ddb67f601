"""Asking: questions to the admin service of a running legation."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from xds.control.cli.screen import Failure

SECONDS: Final = 10
START: Final = "Start one with 'legation run PATH', or say where it is with --admin."


def ask(admin: str, path: str) -> Any:
    """The JSON at a path of the admin service. Raises Failure when there is no answer, or none of a legation's."""
    status, body = _get(admin, path)
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        raise Failure(f"{admin}{path} answers {status}, and not as a legation does.\n{START}") from None


def missing(admin: str) -> list[str]:
    """What the running legation still waits for before it is ready, in lines; empty when it is ready."""
    status, body = _get(admin, "/readyz")
    return [] if status == 200 else body.decode(errors="replace").splitlines()


def _get(admin: str, path: str) -> tuple[int, bytes]:
    connection = HTTPConnection(*_address(admin), timeout=SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, HTTPException) as error:
        reason = (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
        raise Failure(f"no legation answers at {admin} ({reason}).\n{START}") from None
    finally:
        connection.close()


def _address(admin: str) -> tuple[str, int]:
    try:
        where = urlsplit(admin)
        port = where.port or 80
    except ValueError:  # no port is called that
        where, port = urlsplit(""), 0
    if where.scheme != "http" or not where.hostname:
        raise Failure(f"--admin {admin} is no address of an admin service; it looks like http://127.0.0.1:19000")
    return where.hostname, port
