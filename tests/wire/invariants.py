"""Invariants: what must hold of every stream, whatever its case is about."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from resources import CDS, FULL_STATE, LDS, MARKED, PREFIX, RDS
from traces import WRAPPER, Changed, Got, Sent, Trace, short

from xds.codec import decode, references


def one_unanswered_response_a_type(trace: Trace) -> Iterator[str]:
    """No response of a type comes before the client answered the last one of that type."""
    unanswered: dict[str, str] = {}
    for event in trace.events:
        if isinstance(event, Sent) and unanswered.get(event.type_url) == event.nonce:
            del unanswered[event.type_url]
        if isinstance(event, Got):
            if event.type_url in unanswered:
                yield f"a {event} came while the last one was unanswered"
            unanswered[event.type_url] = event.nonce


def no_response_without_a_cause(trace: Trace) -> Iterator[str]:
    """A response that says what the last one of its type said has a cause: a request other than an ACK, a change, a response
    of another type, which may make a cluster warm again, or the time, when that is limited.
    """
    said: Got | None = None
    before: dict[str, Sent] = {}
    for event in trace.events:
        if isinstance(event, Got):
            if said is not None and _content(said) == _content(event) and not event.is_mortal:
                yield f"a {event} came again, and nothing had happened"
            said = event
        elif isinstance(event, Changed) or (said is not None and _asks(event, said, before.get(event.type_url))):
            said = None
        if isinstance(event, Sent):
            before[event.type_url] = event


def no_name_twice(trace: Trace) -> Iterator[str]:
    """No response lists a name twice, or as a resource and as removed or as an error as well."""
    for got in _responses(trace):
        listed = Counter([one.name for one in got.items if one.name] + list(got.removed))
        twice = sorted(name for name, times in listed.items() if times > 1)
        twice += sorted(got.errors.keys() & {one.name for one in got.items})
        if twice:
            yield f"{twice} stand twice in a {got}"


def unique_nonces(trace: Trace) -> Iterator[str]:
    """Every response has a nonce, and no two have the same."""
    seen = Counter(got.nonce for got in _responses(trace))
    for nonce, times in seen.items():
        if not nonce:
            yield "a response has no nonce"
        elif times > 1:
            yield f"the nonce {nonce!r} was used {times} times"


def every_body_has_the_response_s_type(trace: Trace) -> Iterator[str]:
    """Whatever a response carries is of its own type, or wrapped."""
    for got in _responses(trace):
        for one in got.items:
            if one.value is not None and one.type_url not in (got.type_url, WRAPPER):
                yield f"a {got} holds a {one.type_url}"


URI: Final = "xdstp:"
"""How names begin that may be spelled in several ways, or stand for many."""

BY_NAME: Final = MARKED.keys() - FULL_STATE
"""Types of which everything is asked for by a wildcard alone."""


@dataclass(slots=True)
class Client:
    """What a client has in force of clusters, and what it asks for, as its stream goes on. In state of the world its
    requests say all that it wants.
    """

    says_all: bool
    asked: set[str] = field(default_factory=set)
    named: bool = False
    wildcard: bool = False
    accepted: set[str] = field(default_factory=set)
    pending: dict[str, Got] = field(default_factory=dict)

    def see(self, event: Sent | Got) -> None:
        """Takes over one event about clusters."""
        if isinstance(event, Got):
            self.pending[event.nonce] = event
            return
        names = {*event.fields.get("resource_names", ()), *event.fields.get("resource_names_subscribe", ())}
        self.named |= bool(names)
        self.wildcard |= not self.named or "*" in names
        self.asked = names | (set() if self.says_all else self.asked)
        if (answered := self.pending.pop(event.nonce, None)) is not None and not event.error:
            self.accepted = (set() if answered.is_full else self.accepted) | answered.bodies.keys()
            self.accepted -= set(answered.removed)


def no_route_before_its_cluster(trace: Trace) -> Iterator[str]:
    """Whatever names a cluster that the client asked for comes after that cluster was accepted."""
    client = Client(says_all=any(got.dialect == "sotw" for got in _responses(trace)))
    asked = any(isinstance(one, Sent) and one.type_url == CDS for one in trace.events)
    for event in trace.events if asked and not trace.single else ():
        if isinstance(event, Sent | Got) and event.type_url == CDS:
            client.see(event)
        elif isinstance(event, Got) and event.type_url in (LDS, RDS):
            lacking = sorted(name for name in _clusters(event) if name not in client.accepted and _wants(client, name))
            if lacking:
                yield f"a {event} names the clusters {lacking}, which are not accepted"


def nothing_that_was_not_asked_for(trace: Trace) -> Iterator[str]:
    """Whatever a response brings was asked for on this stream, by one of its names or by a wildcard or a glob."""
    asked: dict[str, set[str]] = {}
    for event in trace.events:
        if isinstance(event, Sent):
            asked.setdefault(event.type_url, _wanted(event, first=event.type_url not in asked)).update(_wanted(event))
        elif isinstance(event, Got):
            names = asked.get(event.type_url, set()) | asked.get("", set())  # a service knows its type
            more = [one.name for one in event.items if names.isdisjoint(("*", one.name, *one.aliases))]
            if more := sorted(name for name in more if not name.startswith(URI)):
                yield f"a {event} came, and nobody asked for {more}"


def versions_are_of_content(traces: Iterable[Trace]) -> Iterator[str]:
    """The version of a resource is that of its bytes: equal on all streams, another for other bytes."""
    bodies: dict[tuple[str, str, str], set[bytes]] = defaultdict(set)
    versions: dict[tuple[str, str, bytes], set[str]] = defaultdict(set)
    for trace in traces:
        for got in _responses(trace):
            for one in got.items:
                if one.version and one.value is not None and one.ttl is None:
                    bodies[got.type_url, one.name, one.version].add(one.value)
                    versions[got.type_url, one.name, one.value].add(one.version)
    for (type_url, name, version), found in bodies.items():
        if len(found) > 1:
            yield f"{len(found)} contents of {short(type_url)} {name} have the version {version!r}"
    for (type_url, name, _), listed in versions.items():
        if len(listed) > 1:
            yield f"one content of {short(type_url)} {name} has the versions {sorted(listed)}"


INVARIANTS: Final[Mapping[str, Callable[[Trace], Iterator[str]]]] = {
    "T1": one_unanswered_response_a_type,
    "T2": no_response_without_a_cause,
    "T3": no_name_twice,
    "T4": unique_nonces,
    "T5": every_body_has_the_response_s_type,
    "T6": no_route_before_its_cluster,
    "T8": nothing_that_was_not_asked_for,
}
"""Row of the table -> what is asked of one stream."""

OVER_ALL: Final[Mapping[str, Callable[[Iterable[Trace]], Iterator[str]]]] = {"T7": versions_are_of_content}
"""Row of the table -> what is asked of all streams of a run together."""


def broken(traces: Iterable[Trace]) -> Iterator[tuple[str, str]]:
    """(row, what is wrong) for every breach on these streams."""
    for trace in traces:
        for row, check in INVARIANTS.items():
            yield from ((row, f"{trace.title}: {wrong}") for wrong in check(trace))


def _wanted(sent: Sent, *, first: bool = False) -> set[str]:
    """The names in a request; a first one without any is a wildcard for some types."""
    names = {*sent.fields.get("resource_names", ()), *sent.fields.get("resource_names_subscribe", ())}
    names.update(one["name"] for one in sent.fields.get("resource_locators_subscribe", ()))
    legacy = first and not names and sent.type_url not in BY_NAME
    return names | {"*"} if legacy else names


def _responses(trace: Trace) -> Iterator[Got]:
    return (event for event in trace.events if isinstance(event, Got))


def _asks(sent: Sent, said: Got, before: Sent | None) -> bool:
    """Whether a request may be why a response is repeated: it is about that type, and no mere ACK."""
    if sent.type_url != said.type_url or before is None:
        return sent.type_url == said.type_url
    again = sent.nonce == before.nonce or sent.nonce != said.nonce
    adds = sent.fields.get("resource_names_subscribe") or sent.fields.get("resource_names_unsubscribe")
    return again or sent.error or bool(adds) or sent.fields.get("resource_names") != before.fields.get("resource_names")


def _content(got: Got) -> Any:
    return got.type_url, {one.name: (one.value, one.ttl) for one in got.items}, got.removed


def _clusters(got: Got) -> set[str]:
    """The clusters that the bodies of a response name."""
    bodies = [one.value for one in got.items if one.value is not None and one.type_url.startswith(PREFIX)]
    named = {reference for body in bodies for reference in references(decode(got.type_url, body))}
    return {name for type_url, name in named if type_url == CDS}


def _wants(client: Client, name: str) -> bool:
    return client.wildcard or name in client.asked
