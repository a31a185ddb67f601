"""Errors, named after whose fault they are. What is neither is a bug and is not caught."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xds.model.object import Origin


class LegationError(Exception):
    """Anything that Legation raises on purpose."""


class ConfigError(LegationError):
    """The author's fault: a document, a settings file or a message that cannot mean what it says.

    `field` is the path inside the document (`spec.listeners[0].port`), empty for the document as a whole;
    `hint` says what to do about it.
    """

    def __init__(self, message: str, *, field: str = "", origin: Origin | None = None, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.field, self.origin, self.hint = message, field, origin, hint

    def __str__(self) -> str:
        where = f"{self.origin}: " if self.origin else ""
        what = f"{self.field} {self.message}" if self.field else self.message
        return where + what + (f" ({self.hint})" if self.hint else "")


class ProtocolError(LegationError):
    """The peer's fault: a request that breaks the xDS protocol. `code` is the name of the gRPC status it ends with."""

    def __init__(self, message: str, *, code: str = "INVALID_ARGUMENT") -> None:
        super().__init__(message)
        self.code = code
