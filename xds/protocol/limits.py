"""Limits: how long a client may take to answer, and how much it may ask for and be sent at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Limits:
    """What one stream allows its client.

    `patience` is how many seconds a response may stay unanswered before what depends on it goes on without the answer;
    it is more than the 15 s for which Envoy lets a cluster warm (`initial_fetch_timeout`) and withholds its ACK.
    `response_bytes` is how long a response may be, about: gRPC clients read no message beyond 4 MiB. What is more goes out
    in several responses, one after the other's ACK, but for the full states of SotW, which cannot be divided.
    `on_demand` are the type URLs of which what does not exist may be made when it is asked for.
    """

    patience: float = 30.0
    response_bytes: int = 3_670_016
    on_demand: frozenset[str] = frozenset()


DEFAULT: Final = Limits()
