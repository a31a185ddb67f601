"""Principals: who a client is, as far as that was proved."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody by every name that is known, the most telling first: the URIs and DNS names of a certificate, or what an
    authenticator found in a token. With `proved` False there was neither, and the name is what there is to say instead.
    """

    names: tuple[str, ...]
    proved: bool = True

    def __str__(self) -> str:
        return self.names[0] if self.names else "somebody without a name"
