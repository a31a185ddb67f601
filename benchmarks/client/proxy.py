"""One proxy: it asks, takes what comes, accepts it, and notes when which change came."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic_ns
from typing import Final, Protocol

from benchmarks import workload
from benchmarks.client.check import Check
from benchmarks.client.dialect import NEAR, Question
from benchmarks.client.http2 import Stream
from benchmarks.client.polling import Poll

SIGN: Final = workload.SIGN.encode()
MARK: Final = SIGN + b"change-"
DIGITS: Final = 9

Wire = Stream | Poll
"""How a proxy is connected."""


class Fleet(Protocol):
    """Who hears of a proxy."""

    def arrived(self, before: int, change: int, at: int) -> None:
        """A proxy that had the changes up to `before` got those up to `change`."""

    def settled(self, at: int) -> None:
        """A proxy has all that it asked for."""

    def lost(self, proxy: Proxy, why: str) -> None:
        """A proxy's stream ended, and it was not the proxy that ended it."""


class Proxy:
    """One proxy, over all its streams. `seen` is the newest change that it knows of, `messages` how many responses came.
    With `fat` ACKs its node is in every request. One that is `mute` accepts nothing any more, and nobody waits for it.
    """

    __slots__ = (
        "_asked",
        "_fat",
        "_fleet",
        "_left",
        "_node",
        "_questions",
        "check",
        "id",
        "is_settled",
        "messages",
        "mute",
        "seen",
        "stream",
    )

    def __init__(self, fleet: Fleet, id_: str, *, check: Check | None = None, fat: bool = False) -> None:
        self._fleet, self.id, self.check, self._fat = fleet, id_, check, fat
        self.stream: Wire | None = None
        self._questions: Sequence[Question] = ()
        self._asked = self._left = self.seen = self.messages = 0
        self._node = b""
        self.is_settled = self.mute = False

    def begin(self, stream: Wire, questions: Sequence[Question], node: bytes) -> None:
        """Asks for the first on a new stream; `node` is the field of a request."""
        self.stream, self._questions = stream, questions
        self._asked, self.is_settled = 0, False
        self._node = node if self._fat else b""
        self._ask(node)

    def _ask(self, node: bytes) -> None:
        """Asks for the next, and for what follows as long as nothing is to be waited for."""
        assert self.stream is not None
        while self._asked < len(self._questions):
            question = self._questions[self._asked]
            self._asked += 1
            self._left = question.ask.expect
            self.stream.send(node + question.opening)
            node = self._node
            if question.ask.waits:
                return
        self.is_settled = True
        self._fleet.settled(monotonic_ns())

    def received(self, message: bytes) -> None:
        """Accepts a response, and notes what is new in it."""
        at = monotonic_ns()
        self.messages += 1
        accepting = self._accepting(message)
        if accepting is None or self.stream is None:
            self._leave("a response was of a type that nobody asked for")
            return
        question, ack = accepting
        if not self.mute:
            self.stream.send(self._node + ack)
        if self.check is not None:
            self.check.take(message)
        if not self.is_settled:
            self._count(question, message)
        if (place := message.find(SIGN)) >= 0:
            self._see(message, place, at)

    def ended(self, why: str) -> None:
        """The stream ended, and not because of the proxy."""
        self.stream = None
        self._fleet.lost(self, why)

    def _leave(self, why: str) -> None:
        if self.stream is not None:
            self.stream.close()
            self.ended(why)

    def _accepting(self, message: bytes) -> tuple[Question, bytes] | None:
        """What a response answers, and its ACK; None when it answers nothing."""
        for question in self._questions:
            if (place := message.rfind(question.tail, -NEAR)) >= 0:
                return question, question.ack(message, place + len(question.tail))
        for question in self._questions:
            if (ack := question.answers(message)) is not None:
                return question, ack
        return None

    def _count(self, question: Question, message: bytes) -> None:
        """Every resource says its type once, and the response once more."""
        if question is not self._questions[self._asked - 1]:
            return
        came = message.count(question.url) - 1
        self._left = (self._left if question.adds else question.ask.expect) - came
        if self._left <= 0:
            self._ask(self._node)

    def _see(self, message: bytes, place: int, at: int) -> None:
        newest = before = self.seen
        while place >= 0:
            digits = place + len(MARK)
            if message.startswith(MARK, place):
                newest = max(newest, int(message[digits : digits + DIGITS]))
            place = message.find(SIGN, place + 1)
        if newest > before:
            self.seen = newest
            if not self.mute:
                self._fleet.arrived(before, newest, at)
