"""Proxies: what the control plane knows of the nodes that are connected."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from xds.model.key import Key
from xds.model.node import Node
from xds.model.type_url import short_type


class Answer(StrEnum):
    """What a proxy last said to a type: nothing was sent yet, not answered yet, not answered in time, ACK, or NACK."""

    NOTHING = "nothing sent"
    PENDING = "pending"
    STALE = "stale"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Subscribed:
    """One type on one stream: how many resources it holds, at which version, and what it said to the last response."""

    type_url: str
    version: str
    resources: int
    answer: Answer
    error: str = ""


@dataclass(frozen=True, slots=True)
class Proxy:
    """One stream of one node. `since` is in seconds since the epoch; `dialect` is `delta` or `sotw`; `service` is `ads`, or
    the short type of a service of one type.
    """

    node: Node
    group: str
    peer: str
    dialect: str
    since: float
    types: tuple[Subscribed, ...] = ()
    service: str = "ads"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One version of one resource that a proxy of the group refused: it is never offered again to that group.

    `message` is the proxy's own words. `kept` tells whether an older version of the resource stays in force. `authors` are
    the objects that the resource was made from.
    """

    group: str
    type_url: str
    name: str
    version: str
    message: str
    kept: bool
    authors: tuple[Key, ...] = ()

    def __str__(self) -> str:
        stays = "its last good version stays in force" if self.kept else "nothing is in force in its place"
        return f"{self.group}: {short_type(self.type_url)} {self.name} was refused: {self.message} ({stays})"
