"""Hostnames: which of two covers the other. `*` is every hostname, `*.example.com` every one below example.com."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

ANY: Final = "*"


def covers(general: str, special: str) -> bool:
    """Whether every hostname that `special` means is one that `general` means."""
    if general in (ANY, special):
        return True
    return general.startswith("*.") and special.endswith(general[1:])


def intersection(one: str, other: str) -> str | None:
    """The hostnames that both mean: the narrower of the two, or None."""
    if covers(one, other):
        return other
    return one if covers(other, one) else None


def covering(domain: str) -> tuple[str, ...]:
    """Every hostname that covers a domain, itself included."""
    labels = domain.removeprefix("*.").split(".")
    wildcards = ("*." + ".".join(labels[start:]) for start in range(domain[0] != "*", len(labels)))
    return tuple(dict.fromkeys((domain, *wildcards, ANY))) if domain != ANY else (ANY,)


def narrowest(hostnames: Iterable[str], domain: str) -> str:
    """Of these hostnames, the most specific that covers a domain; `*` where none does."""
    return max((one for one in hostnames if covers(one, domain)), key=_precision, default=ANY)


def _precision(hostname: str) -> tuple[bool, int]:
    return not hostname.startswith("*"), len(hostname)
