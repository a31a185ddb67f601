"""Negative controls: for every row that a server must show, a fault in ours that has to turn the row red.

python tests/wire/faults.py          # every fault; tells which are not noticed
python tests/wire/faults.py 15 T2    # those of some rows
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final
from unittest.mock import patch

import line
import ours
import talk
from behaviours import behaviours
from case import Case, load
from msgspec.structs import replace
from results import Outcome, breaches, run

from xds.codec import decode_node
from xds.codec.wire import delimited
from xds.model import ProtocolError, Resource, Resources
from xds.model.change import Change
from xds.model.type_url import CDS, EDS, LDS, RDS
from xds.protocol import dialect, stream
from xds.protocol import subscription as subscriptions
from xds.protocol.dialect import Delta, Sotw
from xds.protocol.draft import Draft
from xds.protocol.message import Rejected
from xds.protocol.stream import Stream
from xds.protocol.subscription import Subscription
from xds.server.discovery import Discovery
from xds.server.fleet import Fleet
from xds.server.http2_stream import Http2Stream
from xds.server.talk import Talk

QUICK: Final = ((line, "SOON", 1.5), (talk, "A_WHILE", 0.2))
"""Seconds that the client waits: what does not come will not come later either."""

Fake = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and the function that is replaced to make it so: `fake` makes the new one out of the real one."""

    rows: tuple[str, ...]
    words: str
    owner: Any
    name: str
    fake: Fake


FAULTS: Final[list[Fault]] = []


def fault(owner: Any, name: str, *rows: int | str) -> Callable[[Fake], Fake]:
    """Registers a fault, which is to be noticed by these rows; its name says what is wrong."""

    def register(fake: Fake) -> Fake:
        FAULTS.append(Fault(tuple(map(str, rows)), fake.__name__.replace("_", " "), owner, name, fake))
        return fake

    return register


@contextmanager
def seeded(one: Fault) -> Iterator[None]:
    """Our server has this fault."""
    with patch.object(one.owner, one.name, one.fake(getattr(one.owner, one.name))):
        yield


# Opening


@fault(Stream, "_type_of", 1)
def no_type_is_clusters(real: Any) -> Any:
    return lambda self, request: request.type_url or self._only or CDS


@fault(Stream, "_type_of", 2)
def every_request_must_name_its_type(real: Any) -> Any:
    return lambda self, request: _refuse() if not request.type_url else real(self, request)


@fault(Stream, "_type_of", 3)
def a_service_serves_all_types(real: Any) -> Any:
    return lambda self, request: request.type_url or self._only


@fault(Talk, "hear", 4)
def every_message_must_carry_the_node(real: Any) -> Any:
    def hear(self: Talk, message: bytes) -> None:
        return real(self, message) if self.session.stream.dialect.read(message).node else _refuse()

    return hear


@fault(Talk, "hear", 5)
def the_group_is_that_of_the_last_node(real: Any) -> Any:
    def hear(self: Talk, message: bytes) -> None:
        stream = self.session.stream
        group = decode_node(stream.dialect.read(message).node).cluster
        if group not in ("", self.session.group):
            stream.serve = lambda _: Stream.serve(stream, self._desk.fleet.served(group))
        real(self, message)

    return hear


@fault(Discovery, "enter", 6)
def any_node_will_do(real: Any) -> Any:
    somebody = delimited(1, "somebody") + delimited(2, "somewhere")

    def enter(self: Discovery, principal: Any, request: Any, only: str) -> Any:
        known = decode_node(request.node).id
        return real(self, principal, request if known else replace(request, node=somebody), only)

    return enter


@fault(Stream, "receive", 7)
def clusters_must_come_first(real: Any) -> Any:
    def receive(self: Stream, request: Any) -> Any:
        return real(self, request) if self._only or self._subscriptions or request.type_url == CDS else _refuse()

    return receive


@fault(Stream, "respond", 9)
def one_unanswered_response_stops_all_types(real: Any) -> Any:
    def respond(self: Stream, now: float) -> Any:
        return None if any(one.offer for one in self._subscriptions.values()) else real(self, now)

    return respond


# State of the world


@fault(Sotw, "contents", 13)
def only_the_first_resource_is_sent(real: Any) -> Any:
    return lambda *given: real(*given)[:1]


@fault(Subscription, "accept", 14, "T2")
def an_ack_is_answered(real: Any) -> Any:
    def accept(self: Subscription) -> Any:
        fact = real(self)
        self.owe(self.held)
        return fact

    return accept


@fault(Subscription, "reject", 15, 16, 68)
def what_is_refused_is_sent_again(real: Any) -> Any:
    def reject(self: Subscription, message: str) -> Rejected:
        offer, self.offer = self._closed(), None
        self.owed = self.owed.union(one.name for one in offer.upserts)
        return Rejected(self.type_url, offer.upserts, (), message)

    return reject


@fault(Stream, "_answer", 17)
def an_old_version_is_a_refusal(real: Any) -> Any:
    def answer(self: Stream, subscription: Subscription, request: Any) -> Any:
        old = bool(request.version) and request.version == Resources(subscription.held).version
        return real(self, subscription, replace(request, error="old") if old else request)

    return answer


@fault(Subscription, "reject", 18)
def who_refuses_gets_nothing_more(real: Any) -> Any:
    def reject(self: Subscription, message: str) -> Any:
        fact = real(self, message)
        self.names, self.wildcard = frozenset(), False
        return fact

    return reject


@fault(Stream, "receive", 21, 24)
def a_stale_request_is_answered(real: Any) -> Any:
    def receive(self: Stream, request: Any) -> Any:
        subscription = self._subscription(self._type_of(request))
        if self.dialect.is_stale(subscription, request):
            subscription.offer = None
            subscription.owe(subscription.names)
        return real(self, request)

    return receive


@fault(Sotw, "is_stale", 23)
def a_nonce_counts_once(real: Any) -> Any:
    def is_stale(self: Sotw, subscription: Subscription, request: Any) -> bool:
        return real(self, subscription, request) or (subscription.offer is None and bool(subscription.nonce))

    return is_stale


@fault(Sotw, "contents", 27, "T3")
@fault(Delta, "contents", 27, "T3")
def every_resource_is_sent_twice(real: Any) -> Any:
    return lambda *given: real(*given) * 2


@fault(Sotw, "splice", 28, "T5")
@fault(Delta, "splice", 28, "T5")
def bodies_have_another_type(real: Any) -> Any:
    return lambda *given: real(*given).replace(b"googleapis.com/envoy", b"googleapis.com/other", 1)


@fault(dialect, "is_whole", 30, 72)
def no_names_is_nothing(real: Any) -> Any:
    return lambda _: False


@fault(dialect, "is_whole", 35, 72)
def no_names_is_everything(real: Any) -> Any:
    return lambda _: True


@fault(Sotw, "subscribe", 31)
def a_name_beside_the_wildcard_ends_it(real: Any) -> Any:
    def subscribe(self: Sotw, subscription: Subscription, request: Any, *, trusted: bool) -> None:
        names = tuple(name for name in request.names if name != "*") or request.names
        real(self, subscription, replace(request, names=names), trusted=trusted)

    return subscribe


@fault(Sotw, "subscribe", 32)
def a_wildcard_never_ends(real: Any) -> Any:
    def subscribe(self: Sotw, subscription: Subscription, request: Any, *, trusted: bool) -> None:
        before = subscription.wildcard
        real(self, subscription, request, trusted=trusted)
        subscription.wildcard |= before

    return subscribe


@fault(Sotw, "subscribe", 33, 125)
def no_names_is_everything_at_any_time(real: Any) -> Any:
    def subscribe(self: Sotw, subscription: Subscription, request: Any, *, trusted: bool) -> None:
        subscription.named_before = False
        real(self, subscription, request, trusted=trusted)

    return subscribe


@fault(dialect, "WILDCARD", 34, 62)
def the_wildcard_is_a_name(real: Any) -> Any:
    return "?"


@fault(Subscription, "wanted", 36, "T8")
def all_is_sent_whatever_is_asked(real: Any) -> Any:
    return lambda _, resources: resources


@fault(Sotw, "contents", 37, 130)
def a_full_state_is_what_changed(real: Any) -> Any:
    return lambda self, subscription, visible, offer: offer.upserts


@fault(Stream, "_can_remove", 38, 55)
def a_removal_is_not_told(real: Any) -> Any:
    return lambda *_: False


@fault(Stream, "_all", 39, 43, 60)
def a_name_that_is_missing_is_forgotten(real: Any) -> Any:
    def everything(self: Stream, snapshot: Any, subscription: Subscription) -> Draft:
        draft = real(self, snapshot, subscription)
        subscription.want(subscription.names & snapshot.of_type(subscription.type_url).keys())
        return draft

    return everything


@fault(Subscription, "forget_uncovered", 42)
def what_is_dropped_is_taken_for_held(real: Any) -> Any:
    return lambda _: None


@fault(Subscription, "_has_all_of", 49, 51)
def a_version_tells_what_is_held(real: Any) -> Any:
    def has(self: Subscription, resources: Resources) -> bool:
        return bool(self.resumed) and self.resumed == Resources(dict(self.wanted(resources))).version

    return has


@fault(Sotw, "subscribe", 52)
def an_unknown_version_is_an_error(real: Any) -> Any:
    def subscribe(self: Sotw, subscription: Subscription, request: Any, *, trusted: bool) -> None:
        real(self, subscription, request, trusted=trusted)
        if request.version and not subscription.nonce:
            _refuse()

    return subscribe


# Delta


@fault(Delta, "contents", 53)
def only_the_first_of_many_is_sent(real: Any) -> Any:
    return lambda *given: real(*given)[:1]


@fault(Resources, "since", 54, 106)
def a_change_sends_everything(real: Any) -> Any:
    def since(self: Resources, before: Resources, *again: Any) -> Any:
        change = real(self, before, *again)
        return Change(dict(self), change.removals) if change.upserts else change

    return since


@fault(Resource, "is_same", 56)
def the_same_bytes_are_a_change(real: Any) -> Any:
    return lambda self, other: self is other


@fault(ours, "version_of", 57, "T7")
def a_version_is_a_counter(real: Any) -> Any:
    numbers = itertools.count(1)
    return lambda _: str(next(numbers))


@fault(Delta, "speaks_first", 58)
def nothing_is_said_of_nothing(real: Any) -> Any:
    return lambda *_: False


@fault(Delta, "tells_missing", 59, 101)
def a_missing_name_is_not_told(real: Any) -> Any:
    return lambda *_: False


@fault(Delta, "_add", 61, 62)
def what_is_asked_for_again_is_known(real: Any) -> Any:
    def add(self: Delta, subscription: Subscription, request: Any, *, first: bool) -> None:
        before = subscription.owed
        real(self, subscription, request, first=first)
        subscription.owed = before

    return add


@fault(Delta, "subscribe", 63)
def the_versions_of_a_client_are_not_believed(real: Any) -> Any:
    return lambda *given, trusted: real(*given, trusted=False)


@fault(Subscription, "remember", 64)
def what_a_client_has_is_forgotten(real: Any) -> Any:
    return lambda *_: None


@fault(Delta, "subscribe", 65)
def a_version_of_something_else_is_an_error(real: Any) -> Any:
    def subscribe(self: Delta, subscription: Subscription, request: Any, *, trusted: bool) -> None:
        real(self, subscription, request, trusted=trusted)
        if not all(map(subscription.covers, request.initial)):
            _refuse()

    return subscribe


@fault(Stream, "_is_trusted", 66)
def a_warming_client_is_believed(real: Any) -> Any:
    return lambda *_: True


@fault(Stream, "receive", 67)
def a_stale_delta_request_is_ignored(real: Any) -> Any:
    def receive(self: Stream, request: Any) -> Any:
        subscription = self._subscription(self._type_of(request))
        return None if subscription.nonce not in ("", request.nonce) else real(self, request)

    return receive


@fault(Stream, "receive", 70)
def an_ack_says_nothing_of_names(real: Any) -> Any:
    def receive(self: Stream, request: Any) -> Any:
        return real(self, replace(request, subscribe=(), unsubscribe=()) if request.nonce else request)

    return receive


@fault(Stream, "respond", 71, 87, 88, 89)
def everything_waits_for_the_ack_of_clusters(real: Any) -> Any:
    def respond(self: Stream, now: float) -> Any:
        clusters = self._subscriptions.get(CDS)
        return None if clusters and clusters.offer else real(self, now)

    return respond


@fault(Delta, "_add", 73)
def a_name_ends_the_wildcard(real: Any) -> Any:
    def add(self: Delta, subscription: Subscription, request: Any, *, first: bool) -> None:
        real(self, subscription, request, first=first)
        if request.subscribe:
            subscription.wildcard = "*" in request.subscribe

    return add


@fault(Delta, "_drop", 74)
def names_go_with_the_wildcard(real: Any) -> Any:
    def drop(self: Delta, subscription: Subscription, request: Any) -> None:
        real(self, subscription, request)
        if "*" in request.unsubscribe:
            subscription.want(set())
            subscription.forget_uncovered()

    return drop


@fault(Delta, "_drop", 75)
def without_a_name_it_is_a_wildcard_again(real: Any) -> Any:
    def drop(self: Delta, subscription: Subscription, request: Any) -> None:
        real(self, subscription, request)
        subscription.wildcard |= not subscription.names

    return drop


@fault(Delta, "_drop", 76)
def a_wildcard_is_for_ever(real: Any) -> Any:
    def drop(self: Delta, subscription: Subscription, request: Any) -> None:
        before = subscription.wildcard
        real(self, subscription, request)
        subscription.wildcard = before

    return drop


@fault(Delta, "_drop", 77)
def nothing_is_said_of_what_is_dropped(real: Any) -> Any:
    def drop(self: Delta, subscription: Subscription, request: Any) -> None:
        before = subscription.owed
        real(self, subscription, request)
        subscription.owed = before

    return drop


@fault(Delta, "_drop", 78)
def nothing_is_ever_dropped(real: Any) -> Any:
    return lambda *_: None


@fault(Delta, "_drop", 79)
def to_drop_what_is_not_there_is_an_error(real: Any) -> Any:
    def drop(self: Delta, subscription: Subscription, request: Any) -> None:
        if set(request.unsubscribe) - subscription.names - {"*"}:
            _refuse()
        real(self, subscription, request)

    return drop


@fault(Delta, "subscribe", 80)
def adding_wins_over_dropping(real: Any) -> Any:
    def subscribe(self: Delta, subscription: Subscription, request: Any, *, trusted: bool) -> None:
        dropped = tuple(set(request.unsubscribe) - set(request.subscribe))
        real(self, subscription, replace(request, unsubscribe=dropped), trusted=trusted)

    return subscribe


# Order


@fault(stream, "place", 81)
def types_go_out_backwards(real: Any) -> Any:
    return lambda type_url: -real(type_url)


@fault(Stream, "_needed", 82, 83)
def what_is_no_longer_asked_for_goes_at_once(real: Any) -> Any:
    return lambda *_: set()


@fault(Stream, "_early", 82, 85, "T6")
def routes_do_not_wait_for_clusters(real: Any) -> Any:
    return lambda *_: set()


@fault(Stream, "_rewarm", 87, 88, 89)
def endpoints_are_sent_once(real: Any) -> Any:
    return lambda *_: None


@fault(Stream, "_rewarm", 89)
def endpoints_have_the_name_of_their_cluster(real: Any) -> Any:
    def rewarm(self: Stream, subscription: Subscription, changed: Any) -> None:
        if subscription.type_url == CDS and EDS in self._subscriptions:
            self._subscriptions[EDS].owe(one.name for one in changed)

    return rewarm


@fault(Stream, "_next", 92)
def what_nobody_names_stops_its_type(real: Any) -> Any:
    def answer(self: Stream, snapshot: Any, subscription: Subscription) -> Any:
        named = {name for one in snapshot.of_type(CDS).values() for name in one.names(EDS)}
        unused = subscription.type_url == EDS and snapshot.of_type(EDS).keys() - named
        return None if unused else real(self, snapshot, subscription)

    return answer


# Every stream


@fault(Stream, "_make", "T4")
def every_nonce_is_the_first(real: Any) -> Any:
    def make(self: Stream, *given: Any) -> Any:
        self._count = 0
        return real(self, *given)

    return make


# Transport, and clients without a proxy


@fault(Talk, "_say", 109)
def one_writes_after_the_other(real: Any) -> Any:
    writing: list[Http2Stream] = []

    def say(self: Talk) -> Any:
        if any(one._outbox.left for one in writing):
            return False
        said = real(self)
        writing[:] = [self._stream]
        return said

    return say


@fault(Talk, "hear", 114)
def a_message_may_have_four_mib(real: Any) -> Any:
    def hear(self: Talk, message: bytes) -> None:
        return real(self, message) if len(message) <= 4 << 20 else _refuse()

    return hear


@fault(Draft, "fit", 115)
def responses_have_any_size(real: Any) -> Any:
    return lambda *_: None


@fault(Fleet, "clear", 120)
def a_group_that_is_cleared_is_forgotten(real: Any) -> Any:
    def clear(self: Fleet, name: str) -> None:
        real(self, name)
        self._groups.pop(name, None)

    return clear


@fault(Sotw, "read", 126)
def a_name_ends_at_its_question_mark(real: Any) -> Any:
    def read(self: Sotw, body: bytes) -> Any:
        request = real(self, body)
        return replace(request, names=tuple(name.partition("?")[0] for name in request.names))

    return read


@fault(Stream, "_early", 127)
def a_listener_waits_for_its_routes(real: Any) -> Any:
    def early(self: Stream, snapshot: Any, subscription: Subscription, news: Any) -> set[str]:
        lonely = {name for name, one in news.items() if one.type_url == LDS and not any(one.names(RDS))}
        return real(self, snapshot, subscription, news) | lonely

    return early


@fault(subscriptions, "blamed", 131)
def all_that_was_refused_is_to_blame(real: Any) -> Any:
    return lambda offered, *_: tuple(offered)


def _refuse() -> Any:
    raise ProtocolError("a seeded fault")


def cases_of(row: str) -> Sequence[Case]:
    """The cases that can notice a fault of this row."""
    if row in behaviours() and behaviours()[row].group == "T":
        return [one for one in load() if set(one.rows) & {13, 14, 27, 28, 36, 54, 57, 82, 85}]
    return [one for one in load() if int(row) in one.rows]


async def asked(cases: Sequence[Case]) -> list[Outcome]:
    """What becomes of these cases; what does not come at once does not come."""
    with ExitStack() as stack:
        for module, name, seconds in QUICK:
            stack.enter_context(patch.object(module, name, seconds))
        async with ours.serving() as target:
            return await run(target, cases)


def is_noticed(one: Fault, row: str) -> bool:
    """Whether the row turns red when our server has the fault."""
    with seeded(one):
        outcomes = asyncio.run(asked(cases_of(row)))
    if behaviours()[row].group == "T":
        return any(broken == row for broken, _ in breaches(outcomes))
    return any(outcome.failure for outcome in outcomes)


def main(rows: Sequence[str]) -> int:
    """Seeds every fault, one after the other. The exit status is the number of those that no case noticed."""
    tried = [(one, row) for one in FAULTS for row in one.rows if not rows or row in rows]
    sound = asyncio.run(asked(list(dict.fromkeys(case for _, row in tried for case in cases_of(row)))))
    if failed := [f"{outcome.case}: {outcome.failure}" for outcome in sound if outcome.failure]:
        print("Without a fault, these fail: nothing can be said.", *failed, sep="\n")
        return len(failed)
    survivors = []
    for number, (one, row) in enumerate(tried, 1):
        if not is_noticed(one, row):
            survivors.append(f"{row:>4} {one.words}")
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{number}/{len(tried)} faults, {len(survivors)} not noticed ")
            sys.stderr.flush()
    killed = len(tried) - len(survivors)
    print(f"{killed} of {len(tried)} faults are noticed: {killed / len(tried):.1%}", *survivors, sep="\n")
    return len(survivors)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
