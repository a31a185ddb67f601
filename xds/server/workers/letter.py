"""Letters: what the builder and a worker say to each other. Each tells where things stand: whoever has more to say before
the last one was taken says all of it in one later.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import msgspec

from xds.model import Load, Principal, Proxy, Reference, Refusal


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """A resource, but for its type and its authors."""

    name: str
    version: str
    body: bytes
    references: tuple[Reference, ...]
    aliases: tuple[str, ...]
    ttl: float | None


class Change(msgspec.Struct, frozen=True, array_like=True):
    """What is new of one type in a snapshot, and the names that are gone."""

    upserts: tuple[Entry, ...]
    removals: tuple[str, ...]


class Edition(msgspec.Struct, frozen=True, array_like=True):
    """A group's next snapshot as what is new in it, by type URL, and all that is withheld in it."""

    changes: Mapping[str, Change]
    withheld: tuple[Reference, ...]


class Found(msgspec.Struct, frozen=True, array_like=True):
    """A demand is answered: with what is in the snapshot by now, or with nothing, for this reason."""

    group: str
    type_url: str
    name: str
    reason: str


class Update(msgspec.Struct, frozen=True, tag=True):
    """To a worker: what the groups are served from now on, None for one of which nothing is known any more; the demands that
    were answered; the types of which what was refused is to be offered again.
    """

    turn: int
    editions: Mapping[str, Edition | None]
    found: tuple[Found, ...]
    pardons: Mapping[str, tuple[str, ...]]


class Stand(msgspec.Struct, frozen=True, array_like=True):
    """How many streams a group has at a worker, and whether all have answered what they were sent."""

    streams: int
    answered: bool


class Acceptance(msgspec.Struct, frozen=True, array_like=True):
    """A proxy has these in force: `current` are names of what the group is served, `older` what it was served before."""

    group: str
    type_url: str
    current: tuple[str, ...]
    older: tuple[Entry, ...]


class Refused(msgspec.Struct, frozen=True, array_like=True):
    """A proxy refused these, with these words."""

    group: str
    type_url: str
    culprits: tuple[Entry, ...]
    message: str


class Want(msgspec.Struct, frozen=True, array_like=True):
    """A proxy wants a name that does not exist and may be made."""

    group: str
    type_url: str
    name: str


class Line(msgspec.Struct, frozen=True, array_like=True):
    """A line of a worker's log."""

    logger: str
    level: int
    words: str


class Report(msgspec.Struct, frozen=True, tag=True):
    """From a worker, when it has taken the update of this `turn`: all that is new with its proxies since its last report."""

    turn: int
    stands: Mapping[str, Stand]
    accepted: tuple[Acceptance, ...]
    refused: tuple[Refused, ...]
    wants: tuple[Want, ...]
    lines: tuple[Line, ...]


class Failed(msgspec.Struct, frozen=True, tag=True):
    """From a worker that cannot serve: a ConfigError's words."""

    message: str
    field: str
    hint: str


class Proxies(msgspec.Struct, frozen=True, tag=True):
    """To a worker: who is connected, and by which number?"""


class Measures(msgspec.Struct, frozen=True, tag=True):
    """To a worker: what did you measure?"""


class Wanted(msgspec.Struct, frozen=True, tag=True):
    """To a worker: which of these, that were made on demand for this group, does a proxy still want?"""

    group: str
    references: tuple[Reference, ...]


class Reported(msgspec.Struct, frozen=True, tag=True):
    """From a worker: a proxy reported its load, and its next report waits until this is answered."""

    load: Load


class Stages(msgspec.Struct, frozen=True, tag=True):
    """To a worker: how far has each resource come at the stream with this number? `asked` makes what its group is to have of
    what that is served; these are the group's refusals. Nothing where there is no such stream any more.
    """

    stream: int
    asked: Edition
    refusals: tuple[Refusal, ...]


class Stage(msgspec.Struct, frozen=True, array_like=True):
    """A delivery: of what is held, the version alone where it is what is served."""

    type_url: str
    name: str
    progress: str
    is_asked: bool
    held: str | Entry | None
    error: str
    updated: float
    tried: float


class Status(msgspec.Struct, frozen=True, tag=True):
    """From a worker: what is the ClientStatusResponse for this ClientStatusRequest of somebody?"""

    principal: Principal
    request: bytes


class Statuses(msgspec.Struct, frozen=True, array_like=True):
    """That response; or why there is none, with the name of a gRPC status."""

    response: bytes
    error: str = ""
    code: str = ""


Question: TypeAlias = Proxies | Measures | Wanted | Reported | Stages | Status
Numbered: TypeAlias = tuple[int, Proxy]
"""A stream, and the number that it has at its worker."""


class Ask(msgspec.Struct, frozen=True, tag=True):
    """A question with a number."""

    number: int
    question: Question


class Answer(msgspec.Struct, frozen=True, tag=True):
    """The answer to the question with this number, encoded for whoever asked."""

    number: int
    body: bytes


News: TypeAlias = Update | Report | Failed
Letter: TypeAlias = News | Ask | Answer


def _plain(value: object) -> Any:
    """What msgspec does not know: mappings that only read."""
    if isinstance(value, Mapping):
        return dict(value)
    raise NotImplementedError(f"{type(value).__name__} is never sent")


_encoder: Final = msgspec.msgpack.Encoder(enc_hook=_plain)
_decoder: Final = msgspec.msgpack.Decoder(Letter)
encode: Final = _encoder.encode


def decode(body: bytes) -> Letter:
    """The letter in these bytes, which the other process wrote."""
    letter: Letter = _decoder.decode(body)
    return letter
