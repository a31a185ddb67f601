"""What the two ends say to each other: requests, responses, and the facts that a request brings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from xds.model import Resource

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
NOT_FOUND, PERMISSION_DENIED, UNAVAILABLE = 5, 7, 14
"""Codes of gRPC (https://grpc.io/docs/guides/status-codes/): of these, a client keeps what it has for the last alone."""


class Request(Struct, frozen=True):
    """One request, in either dialect. `node` is still encoded; `error` is None unless the request is a NACK.

    SotW fills `names` (the whole subscription) and `version`; delta fills `subscribe`, `unsubscribe` and `initial`
    (name -> version that the client still holds from an earlier stream).
    """

    type_url: str
    nonce: str = ""
    error: str | None = None
    node: bytes = b""
    names: tuple[str, ...] = ()
    version: str = ""
    subscribe: tuple[str, ...] = ()
    unsubscribe: tuple[str, ...] = ()
    initial: Mapping[str, str] = NOTHING


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a name that the client asked for is not in a response. `code` is a gRPC status code."""

    name: str
    code: int
    message: str


class Response(Struct, frozen=True):
    """One response, in either dialect; SotW has no `removals`. `version` is the content hash of what is delivered.

    `faults` are those of the `removals` that the client never had. `spelled` has the client's own spelling of names.
    `mortal` tells whether the client is told of TTLs; a `heartbeat` has resources without their content. In `made`, where it
    is not None, all streams that are told the same resources and removals, and nothing besides, keep what they make of it.
    """

    type_url: str
    nonce: str
    version: str
    resources: tuple[Resource, ...]
    removals: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    spelled: Mapping[str, str] = NOTHING
    mortal: bool = False
    heartbeat: bool = False
    made: dict[Any, Any] | None = None


class Accepted(Struct, frozen=True):
    """The client ACKed: these resources are in force there."""

    type_url: str
    resources: tuple[Resource, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """The client NACKed `offered`. `culprits` are those that its words, or a lack of others, point to; maybe none."""

    type_url: str
    offered: tuple[Resource, ...]
    culprits: tuple[Resource, ...]
    message: str


Fact = Accepted | Rejected


@dataclass(frozen=True, slots=True)
class Overdue:
    """The client has not answered a response within the stream's patience: what depends on it waits no longer."""

    type_url: str


@dataclass(frozen=True, slots=True)
class Oversized:
    """A response of `size` bytes, about, had to go out whole, and is longer than some clients read."""

    type_url: str
    size: int


Notice = Overdue | Oversized
"""What a stream finds out by itself, and somebody should know."""
