"""What becomes of one Envoy process."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """Where an Envoy is in its life. It is live when it has its first configuration and its listeners are open."""

    STARTING = "starting"
    LIVE = "live"
    BACKING_OFF = "backing off"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class State:
    """One Envoy, now: `pid` is None while none runs; `admin` is the path of its admin page's unix socket."""

    phase: Phase
    admin: str
    pid: int | None = None
    restarts: int = 0
