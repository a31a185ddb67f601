"""Traces: what went over one stream, in the order in which its client saw it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from resources import FULL_STATE, PREFIX, SHORT, name_of

from xds.codec import message_class

TICK = "tick-"
"""How the names of sentinels begin: they say nothing of the case."""

WRAPPER = PREFIX + "envoy.service.discovery.v3.Resource"


@dataclass(frozen=True, slots=True)
class Item:
    """One resource of a response. `value` is None for a heartbeat; `version` is empty where the dialect gives none."""

    name: str
    type_url: str
    value: bytes | None
    version: str = ""
    ttl: float | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Got:
    """A response."""

    dialect: str
    type_url: str
    nonce: str
    version: str
    items: tuple[Item, ...]
    removed: tuple[str, ...] = ()
    errors: Mapping[str, int] = field(default_factory=dict)
    identifier: str = ""
    size: int = 0

    @property
    def bodies(self) -> dict[str, bytes]:
        """Name -> bytes of what it brings."""
        return {one.name: one.value for one in self.items if one.value is not None}

    @property
    def names(self) -> set[str]:
        """The names of what it brings, sentinels left out."""
        return {one.name for one in self.items if not one.name.startswith(TICK)}

    @property
    def is_full(self) -> bool:
        """Whether what it does not list is gone."""
        return self.dialect == "sotw" and self.type_url in FULL_STATE

    @property
    def is_mortal(self) -> bool:
        """Whether what it lists is to be heard of again and again."""
        return any(one.ttl is not None for one in self.items)

    def __str__(self) -> str:
        removed = f", removed {sorted(self.removed)}" if self.removed else ""
        return f"{short(self.type_url)} response with {sorted(one.name for one in self.items)}{removed}"


@dataclass(frozen=True, slots=True)
class Sent:
    """A request. `error` tells a NACK; `fields` are those of the message that say what is wanted."""

    type_url: str
    nonce: str
    error: bool
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Changed:
    """The server was told to serve something else."""

    what: str


Event: TypeAlias = Got | Sent | Changed


@dataclass(slots=True)
class Trace:
    """One stream, from its opening to its end."""

    title: str
    single: bool
    events: list[Event] = field(default_factory=list)


def short(type_url: str) -> str:
    """A type URL for people."""
    return SHORT.get(type_url, type_url)


def canonical(type_url: str, value: bytes) -> bytes:
    """A message in the order in which the suite writes its fields: a server may have read it and written it anew."""
    if type_url not in SHORT:
        return value
    return message_class(type_url.removeprefix(PREFIX)).FromString(value).SerializeToString(deterministic=True)


def read(dialect: str, body: bytes) -> Got:
    """A response's bytes, in either dialect."""
    return _sotw(body) if dialect == "sotw" else _delta(body)


def _sotw(body: bytes) -> Got:
    message: Any = message_class("envoy.service.discovery.v3.DiscoveryResponse").FromString(body)
    items = tuple(_item(message.type_url, one) for one in message.resources)
    return _got("sotw", message, message.version_info, items, len(body))


def _delta(body: bytes) -> Got:
    message: Any = message_class("envoy.service.discovery.v3.DeltaDiscoveryResponse").FromString(body)
    items = tuple(_wrapped(one) for one in message.resources)
    return _got("delta", message, message.system_version_info, items, len(body))


def _got(dialect: str, message: Any, version: str, items: tuple[Item, ...], size: int) -> Got:
    return Got(
        dialect,
        message.type_url,
        message.nonce,
        version,
        items,
        tuple(getattr(message, "removed_resources", ())),
        {one.resource_name.name: one.error_detail.code for one in message.resource_errors},
        message.control_plane.identifier,
        size,
    )


def _item(type_url: str, packed: Any) -> Item:
    if packed.type_url == WRAPPER:
        return _wrapped(message_class(WRAPPER.removeprefix(PREFIX)).FromString(packed.value))
    known = type_url in SHORT and packed.type_url == type_url
    return Item(name_of(type_url, packed.value) if known else "", packed.type_url, canonical(packed.type_url, packed.value))


def _wrapped(one: Any) -> Item:
    value = canonical(one.resource.type_url, one.resource.value) if one.HasField("resource") else None
    ttl = one.ttl.ToTimedelta().total_seconds() if one.HasField("ttl") else None
    return Item(one.name, one.resource.type_url, value, one.version, ttl, tuple(one.aliases))
