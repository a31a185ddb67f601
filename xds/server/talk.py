"""Talks: what is said on one stream between its first request and its end, without a task that waits for anything."""

from __future__ import annotations

import asyncio
import logging
import time
from asyncio import Future
from dataclasses import dataclass, field
from typing import Final

from xds.model.type_url import short_type
from xds.protocol import Fact, Limits, Overdue, Oversized, Rejected, Request
from xds.protocol.encoded import tail
from xds.server.alarms import Alarm, Alarms
from xds.server.fleet import Fleet, Group, Session
from xds.server.http2_stream import Http2Stream
from xds.server.inbox import PREFIX
from xds.server.metrics import Metrics
from xds.server.turns import Turns

log = logging.getLogger(__name__)

LONGEST: Final = 500
"""Characters of a node's names, and of what a client is told when its stream ends, which travels in a header."""
SMALLER: Final = "make fewer or smaller resources, or let it ask for them by name"


def in_words(said: object) -> str:
    """Why a stream ends, fit for a header and for one line of a log: some of the words may be the client's."""
    return "".join(one if one.isprintable() else " " for one in str(said)[:LONGEST])


@dataclass(frozen=True, slots=True)
class Desk:
    """What all talks of one server share."""

    fleet: Fleet
    metrics: Metrics
    identifier: str
    limits: Limits
    turns: Turns = field(default_factory=Turns)
    alarms: Alarms = field(default_factory=Alarms)


class Talk:
    """A session on its stream. It is a listener of the stream, and the follower of whatever there may be to say."""

    __slots__ = ("_alarm", "_desk", "_group", "_is_waiting", "_over", "_stream", "session")

    def __init__(self, desk: Desk, session: Session, stream: Http2Stream) -> None:
        self._desk, self.session, self._stream = desk, session, stream
        self._is_waiting = False
        self._alarm: Alarm | None = None
        self._group: Group | None = None
        self._over: Future[None] | None = None
        session.signal = self

    def begin(self) -> Future[None]:
        """Reads and writes from now on, as the session has joined the fleet. The future is done when the client has written
        all; it raises ProtocolError when the client broke the protocol.
        """
        self._group = self._desk.fleet.group(self.session.group)
        self._over = asyncio.get_running_loop().create_future()
        self._stream.attach(self)
        self.set()
        return self._over

    def end(self, fault: Exception | None) -> None:
        """Nothing more comes, as the client has written all, or because of this fault."""
        assert self._over is not None
        if self._over.done():
            return
        if fault is None:
            self._over.set_result(None)
        else:
            self._over.set_exception(fault)

    def close(self) -> None:
        """It is over, whoever ended it."""
        self._stream.detach()
        self._drop_alarm()
        if self._over is not None and self._over.done() and not self._over.cancelled():
            self._over.exception()  # which nobody asks for where the stream was ended at the same moment

    # Hearing

    def hear(self, message: bytes) -> None:
        """Takes one request. Raises ProtocolError when it breaks the protocol."""
        self.take(self.session.stream.dialect.read(message))

    def take(self, request: Request) -> None:
        """The same, already read: decides at once, and says what there is to say in its turn."""
        session, metrics = self.session, self._desk.metrics
        fact = session.stream.receive(request)
        metrics.request(request.type_url or session.method.only)
        if fact is not None:
            self._note(fact)
            self._desk.fleet.judge(session, fact)
        if not session.visit.grant.covers(request.type_url):
            self._deny(request.type_url)
        self.set()

    def _deny(self, type_url: str) -> None:
        """Notes, once, that a stream asks for what it may not; it goes on with the rest."""
        session = self.session
        if type_url and type_url not in session.denied:
            session.denied |= {type_url}
            self._desk.metrics.refused(session.method.service, "PERMISSION_DENIED")
            log.info("%s: %s may not ask for %s", session.group, session.node.id, in_words(short_type(type_url)))

    def _note(self, fact: Fact) -> None:
        session = self.session
        if not isinstance(fact, Rejected):
            assert self._group is not None
            since_published = time.monotonic() - self._group.published
            self._desk.metrics.ack(fact.type_url, min(since_published, time.time() - session.since))
            return
        self._desk.metrics.nack(fact.type_url)
        whom = ", ".join(one.name for one in fact.culprits) or f"one of {len(fact.offered)}"
        log.debug("%s: %s refused %s %s: %s", session.group, session.node.id, short_type(fact.type_url), whom, fact.message)

    # Saying

    def set(self) -> None:
        """There may be something to say: it has its turn."""
        if not self._is_waiting:
            self._is_waiting = True
            self._desk.turns.add(self)

    def play(self) -> None:
        """Says all that there is to say and room for."""
        self._is_waiting = False
        stream = self._stream
        if not stream.is_free:
            return
        try:
            self._look()
            while self._say() and stream.is_free:
                pass
        except Exception as fault:  # noqa: BLE001  whoever waits for the end of the talk raises it again
            stream.detach()
            self.end(fault)

    def _look(self) -> None:
        """Serves what the group is served by now."""
        assert self._group is not None
        session = self.session
        for fact in session.stream.serve(session.view(self._group.served.value)):
            self._desk.fleet.judge(session, fact)

    def _say(self) -> bool:
        """Says one thing, if there is any."""
        session, desk, stream = self.session, self._desk, self.session.stream
        response = stream.respond(time.monotonic())
        desk.fleet.want(session)
        self._tell()
        if response is None:
            desk.fleet.settle(session)
            self._look_again()
            return False
        desk.fleet.stir(session)
        desk.metrics.response(response.type_url)
        body, nonce = stream.dialect.encode(response, desk.identifier).body, tail(response.nonce)
        self._stream.send(PREFIX.pack(False, len(body) + len(nonce)), body, nonce)
        return True

    def _look_again(self) -> None:
        """Has a turn when the stream wants one whether or not anything happens. One that comes too early does no harm."""
        wake_at = self.session.stream.wake_at()
        if wake_at is None:
            return
        if self._alarm is None or not time.monotonic() < self._alarm.when <= wake_at:
            self._drop_alarm()
            self._alarm = self._desk.alarms.at(wake_at, self)

    def _drop_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.drop()
            self._alarm = None

    def _tell(self) -> None:
        for notice in self.session.stream.notices():
            who, what = f"{self.session.group}: {self.session.node.id}", short_type(notice.type_url)
            match notice:
                case Overdue():
                    patience = self._desk.limits.patience
                    self._desk.metrics.overdue(notice.type_url)
                    log.warning("%s has not answered for %.0f s (%s): look at that proxy", who, patience, what)
                case Oversized():
                    self._desk.metrics.oversized(notice.type_url)
                    log.warning("%s is sent %d bytes (%s), too many for gRPC clients: %s", who, notice.size, what, SMALLER)
