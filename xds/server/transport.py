"""The transport's settings: how connections are secured, and what one client may take from the others."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from xds.protocol import Limits
from xds.protocol.limits import DEFAULT
from xds.server.tls import Tls

MIB = 2**20
Positive = Annotated[float, Meta(gt=0)]


class Transport(Struct, frozen=True, forbid_unknown_fields=True):
    """On what terms clients are served.

    `workers` are the processes that serve the port together; 1 is this process alone.
    `tls` secures connections; without it they are plain text, for loopback and for meshes that encrypt by themselves.
    `max_message_bytes` is the most that one request may have, also after it is decompressed.
    `max_concurrent_streams` of one connection: an Envoy that does not use ADS opens one for every cluster's endpoints.
    `keepalive_seconds` is the time between pings, with or without streams; one that is not answered within
    `keepalive_timeout_seconds` ends its connection.
    `write_timeout_seconds` is how long a client may read nothing of what it is being sent.
    `max_connection_age_seconds` is when a client is asked to connect anew, give or take a tenth; without it, never. With
    several replicas behind one address it spreads the clients, and with `tls.client_ca` it makes them show their
    certificates again.
    `new_streams_per_second` are taken up, after a first 2 seconds' worth at once: the others wait, and none is refused.
    `patience_seconds` is how long a response may stay unanswered before what depends on it goes on without the answer.
    `max_response_bytes` is how long a response may be, about; where the protocol allows it, more goes out in several.
    `max_types` and `max_names` are what one stream may ask for.
    `requests_per_second` of one stream are read, after a first 10 seconds' worth at once: the others wait.
    """

    workers: Annotated[int, Meta(ge=1, le=64)] = 1
    tls: Tls | None = None
    max_message_bytes: Annotated[int, Meta(gt=0, lt=2**31)] = 32 * MIB
    max_concurrent_streams: Annotated[int, Meta(gt=0, lt=2**31)] = 1_000_000
    keepalive_seconds: Positive = 30.0
    keepalive_timeout_seconds: Positive = 20.0
    write_timeout_seconds: Positive = 60.0
    max_connection_age_seconds: Positive | None = None
    new_streams_per_second: Positive = 1000.0
    requests_per_second: Positive = 500.0
    patience_seconds: Positive = DEFAULT.patience
    max_response_bytes: Annotated[int, Meta(gt=0)] = DEFAULT.response_bytes
    max_types: Annotated[int, Meta(gt=0)] = DEFAULT.types
    max_names: Annotated[int, Meta(gt=0)] = DEFAULT.names

    def limits(self, on_demand: frozenset[str]) -> Limits:
        """What one stream allows its client, with these types made on demand."""
        return Limits(self.patience_seconds, self.max_response_bytes, self.max_types, self.max_names, on_demand=on_demand)
