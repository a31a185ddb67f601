"""Principals: who a client is, as far as that was proved."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who was authenticated, by every name that was proved, the most telling first: the URIs and DNS names of a
    certificate, or what an authenticator found in a token.
    """

    names: tuple[str, ...]

    def __str__(self) -> str:
        return self.names[0] if self.names else "somebody without a name"
