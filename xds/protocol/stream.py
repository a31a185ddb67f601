"""One stream's state machine: requests in, responses out. No I/O, no clock: a shell feeds it and writes what it says, and
tells it the time, in seconds of any clock that never goes back.

Rule 1: everything that decides what a client is sent, and when, is in this file.

At any moment `respond` gives the next response that may go out, or None. What it may be follows from the newest
snapshot, the subscriptions, and what the client accepted:

- at most one unanswered response a type; whatever is published meanwhile is said in one response after the answer;
- types go out in the order of `order.ORDER`; what names clusters waits until those are in force at the client;
- nothing is removed that the client still refers to and is about to let go of;
- what was refused is not offered again;
- a client that does not answer in time holds up nothing but the next response of that type, and that no longer when there
  is other news.

https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from math import inf
from typing import Any, Final

from xds.model import Answer, ProtocolError, Reference, Refusal, Resource, Resources, Snapshot, Subscribed
from xds.model.change import Change
from xds.model.node import BREAKS_OVER_ENDPOINTS, KEEPS_TTL, KEEPS_TTL_OF_WHOLE_TYPES, READS_WRAPPED
from xds.model.type_url import CDS, EDS, LEDS, RDS, VHDS, short_type
from xds.protocol.delivery import Delivery, deliveries
from xds.protocol.dialect import Dialect
from xds.protocol.draft import Draft, fitting
from xds.protocol.limits import DEFAULT, Limits
from xds.protocol.message import (
    NOT_FOUND,
    PERMISSION_DENIED,
    UNAVAILABLE,
    Accepted,
    Fact,
    Fault,
    Notice,
    Overdue,
    Oversized,
    Request,
    Response,
)
from xds.protocol.names import NONE
from xds.protocol.offer import Offer
from xds.protocol.order import BY_ALIAS, LASTING, LET_GO, NEEDS_CLUSTERS, NEVER_REMOVED, PARENTS, WARMED_BY, is_whole, place
from xds.protocol.subscription import Subscription

HEARTBEAT: Final = 64
"""About how many bytes a heartbeat takes besides the name."""


class Stream:
    """One stream of one client. Not thread-safe; every method returns at once.

    `prefix` makes nonces unique among streams. With `only`, the stream serves that one type (a single-type service).
    `features` are those of its client, as its node tells.
    """

    def __init__(
        self,
        dialect: Dialect,
        *,
        prefix: str = "",
        only: str = "",
        limits: Limits = DEFAULT,
        features: frozenset[str] = frozenset(),
    ) -> None:
        self.dialect = dialect
        self.snapshot: Snapshot | None = None
        self._subscriptions: dict[str, Subscription] = {}
        self._prefix, self._only, self._count = prefix, only, 0
        self._limits, self._features, self._now = limits, features, 0.0
        self._notices: list[Notice] = []
        self._wanting: list[Reference] = []
        self._recalls = False

    def receive(self, request: Request) -> Fact | None:
        """Takes one request. Returns what it says of the last response of its type, if it is an ACK or a NACK.

        Raises ProtocolError when it names no type, or one that this stream does not serve, or is beyond its limits.
        """
        self._limits.check_request(request)
        subscription = self._subscription(self._type_of(request))
        stale = self.dialect.is_stale(subscription, request)
        if stale and subscription.offer is None:
            return None
        fact = None if stale else self._answer(subscription, request)
        # What a client wants is newest in its newest request, even in one that it wrote before it saw the last response.
        self.dialect.subscribe(subscription, request, trusted=self._is_trusted(subscription))
        self._recalls = self._recalls or subscription.returns
        if request.names or request.subscribe:
            self._limits.check_names(*(one.names for one in self._subscriptions.values()))
        return fact

    def serve(self, snapshot: Snapshot | None) -> tuple[Accepted, ...]:
        """Serves this from now on; None is nothing yet. To be called before every `respond`, at no cost without news.

        Returns what is found to be in force at the client since an earlier stream.
        """
        self.snapshot = snapshot
        if snapshot is None or not self._recalls:
            return ()
        found = [(url, one.recognise(snapshot.of_type(url))) for url, one in self._subscriptions.items()]
        self._recalls = any(one.returns for one in self._subscriptions.values())
        return tuple(Accepted(type_url, resources) for type_url, resources in found if resources)

    def respond(self, now: float) -> Response | None:
        """The next response to send, or None when there is nothing to say or a client's answer must come first."""
        self._now = now
        self._lose_patience()
        if self.snapshot is not None:
            for subscription in self._subscriptions.values():
                if subscription.presumed is not None:
                    self._supersede(self.snapshot, subscription)
                if subscription.offer is None and (response := self._next(self.snapshot, subscription)):
                    return response
        return self._beat()

    def wake_at(self) -> float | None:
        """When `respond` is to be asked again even if nothing happens until then; None for never."""
        soonest = inf
        for one in self._subscriptions.values():
            if one.offer is not None and one.presumed is None:
                soonest = min(soonest, self._overdue_at(one.offer))
            elif self._is_mortal(one):
                soonest = min(soonest, one.pulse.due_at(one.held))
            if one.settled is None and self._now < (until := self._parts_until(one)):
                soonest = min(soonest, until)
        return None if soonest == inf else soonest

    def notices(self) -> tuple[Notice, ...]:
        """What the stream found out by itself since this was asked last. To be asked after every `respond`."""
        notices, self._notices = tuple(self._notices), []
        return notices

    def wanting(self) -> tuple[Reference, ...]:
        """The names that the client wants, that do not exist, and that may be made on demand, since this was asked last.
        Nothing is said of them until `found`. To be asked after every `respond`.
        """
        wanting, self._wanting = self._wanting, []
        return tuple(wanting)

    def found(self, reference: Reference, reason: str = "") -> None:
        """What was to be made is in the snapshot that is served from now on, or was not made; `reason` tells why not,
        where it may be another time.
        """
        subscription = self._subscriptions.get(reference[0])
        if subscription is not None and reference[1] in subscription.sought:
            subscription.find(reference[1], reason)

    def wants(self, reference: Reference) -> bool:
        """Whether the client asks for this by name."""
        subscription = self._subscriptions.get(reference[0])
        return subscription is not None and reference[1] in subscription.names

    def forgive(self, type_url: str) -> None:
        """Lets what was refused of a type be offered once more."""
        if (subscription := self._subscriptions.get(type_url)) is not None:
            subscription.forgive()

    def is_quiet(self) -> bool:
        """Whether every response was answered, heartbeats aside, and there was a subscription at all."""
        offers = [one.offer for one in self._subscriptions.values()]
        return bool(offers) and all(one is None or one.heartbeat for one in offers)

    def subscribed(self) -> tuple[Subscribed, ...]:
        """What the client holds and last said, by type."""
        return tuple(_describe(one) for one in self._subscriptions.values())

    def deliveries(self, asked: Snapshot, refusals: Mapping[Reference, Refusal]) -> Iterator[Delivery]:
        """How far each resource has come at the client, when this is what its configuration asks for."""
        for type_url, subscription in self._subscriptions.items():
            yield from deliveries(subscription, asked.of_type(type_url), refusals)

    def _type_of(self, request: Request) -> str:
        type_url = request.type_url or self._only
        if not type_url:
            raise ProtocolError("the request names no type_url")
        if self._only and type_url != self._only:
            raise ProtocolError(f"this service serves {self._only}, not {type_url}")
        return type_url

    def _subscription(self, type_url: str) -> Subscription:
        """The subscription of a type, made and put in order when it is asked for first."""
        if type_url not in self._subscriptions:
            self._limits.check_types(len(self._subscriptions) + 1)
            every = {**self._subscriptions, type_url: Subscription(type_url)}
            self._subscriptions = dict(sorted(every.items(), key=lambda item: place(item[0])))
        return self._subscriptions[type_url]

    def _is_trusted(self, subscription: Subscription) -> bool:
        """A client that reconnects while a cluster warms asks for endpoints first, names the version it has, and waits."""
        return subscription.type_url != EDS or CDS in self._subscriptions

    def _answer(self, subscription: Subscription, request: Request) -> Fact | None:
        """An ACK or a NACK is a request with the nonce of the response that is not answered yet; `error` tells which."""
        if subscription.offer is None or request.nonce != subscription.offer.nonce:
            return None
        if request.error is None or self._is_older(subscription, request.version):
            return subscription.accept()
        return subscription.reject(request.error.strip())

    def _is_older(self, subscription: Subscription, version: str) -> bool:
        """Whether an error is about an update that another took the place of: the SotW of Envoy sends the one answer that it
        has for both, with what it found wrong with the first and the version that it took with the second.
        """
        assert subscription.offer is not None
        return subscription.supersedes and version == subscription.offer.version != subscription.version

    # Answers that do not come

    def _overdue_at(self, offer: Offer) -> float:
        return offer.since + self._limits.patience

    def _lose_patience(self) -> None:
        """Presumes what is overdue. Whatever waits for it is not settled, and so is looked at again by itself."""
        for subscription in self._subscriptions.values():
            offer = subscription.offer
            if offer is not None and subscription.presumed is None and self._overdue_at(offer) <= self._now:
                subscription.presume(offer)
                self._notices.append(Overdue(subscription.type_url))

    def _supersede(self, snapshot: Snapshot, subscription: Subscription) -> None:
        """Gives up an answer that is overdue, where there is other news by now: Envoy never answers an update with a
        cluster that it fails to make while it warms, and takes the next.
        """
        offer = subscription.offer
        if offer is None or offer.heartbeat:
            return
        if subscription.differs(offer.source, snapshot.of_type(subscription.type_url)):
            subscription.supersede()
            before = subscription.held
            self._rewarm(subscription, (*offer.upserts, *(before[one.name] for one in offer.upserts if one.name in before)))

    # What lives only as long as it is heard of

    def _tells_ttl(self, type_url: str) -> bool:
        """Whether the client is told the TTL of such a resource: a SotW client must be able to read it in a wrapper."""
        whole = is_whole(type_url) and KEEPS_TTL_OF_WHOLE_TYPES in self._features
        return type_url not in LASTING and (self.dialect.name == "delta" or whole or READS_WRAPPED in self._features)

    def _is_mortal(self, one: Subscription) -> bool:
        """Whether the client keeps to TTLs, and is to hear of what it has of a type: not while it owes an answer."""
        if not one.pulse or one.offer is not None:
            return False
        keeps = self.dialect.name == "delta" or not self._features.isdisjoint((KEEPS_TTL, KEEPS_TTL_OF_WHOLE_TYPES))
        return keeps and self._tells_ttl(one.type_url)

    def _beat(self) -> Response | None:
        """A heartbeat, where one is due: names without content. To a full state in SotW it is all of it, as what is
        missing would be deleted, and Envoy counts as missing what has no content.
        """
        for subscription in filter(self._is_mortal, self._subscriptions.values()):
            due = subscription.pulse.due(subscription.held, self._now)
            due = due[: fitting((len(one.name) + HEARTBEAT for one in due), self._limits.response_bytes)]
            if due:
                whole = self._is_whole(subscription)
                return self._alive(subscription, tuple(subscription.held.values()) if whole else due, heartbeat=not whole)
        return None

    def _alive(self, subscription: Subscription, resources: tuple[Resource, ...], *, heartbeat: bool) -> Response:
        """Tells the client once more of what it has, as it has it."""
        version = subscription.version or Resources(subscription.held).version
        offer = Offer(self._nonce(), (), (), since=self._now, version=version, heartbeat=True)
        subscription.send(offer, subscription.owed)
        subscription.pulse.hear(resources, self._now)
        url, spelled = subscription.type_url, subscription.spelled
        return Response(url, offer.nonce, version, resources, spelled=spelled, mortal=True, heartbeat=heartbeat)

    # What to say next

    def _next(self, snapshot: Snapshot, subscription: Subscription) -> Response | None:
        resources = snapshot.of_type(subscription.type_url)
        if subscription.type_url == VHDS and not subscription.answered:
            subscription.owe(name for route in snapshot.of_type(RDS).values() for name in route.names(VHDS))
        if subscription.settled is resources or not (subscription.is_active() or subscription.owed):
            return None
        joint = subscription.joint(resources)
        if joint is not None and self._is_joint(snapshot, subscription, joint[1]):
            return self._tell(snapshot, subscription, *joint)
        draft = self._draft(snapshot, subscription)
        if self._is_silent(subscription, draft):
            subscription.settled = None if draft.waits else resources
            return None
        return self._make(snapshot, subscription, draft)

    def _is_joint(self, snapshot: Snapshot, subscription: Subscription, change: Change) -> bool:
        """Whether the client is told this change as it is, with nothing held back, divided or explained."""
        if change.removals and not self._lets_go(snapshot, subscription, set(change.removals)):
            return False
        whole = self._is_whole(subscription)
        return (whole or change.size <= self._limits.response_bytes) and not self._early(
            snapshot, subscription, change.upserts
        )

    def _lets_go(self, snapshot: Snapshot, subscription: Subscription, going: set[str]) -> bool:
        """Whether the client can be told of all removals now."""
        if subscription.type_url in self._limits.on_demand or not self._can_remove(subscription):
            return False
        return not self._needed(snapshot, subscription, going)

    def _tell(self, snapshot: Snapshot, subscription: Subscription, wanted: Resources, change: Change) -> Response | None:
        """Tells the client a change that others are told, too."""
        if not change and (subscription.answered or not self.dialect.speaks_first(subscription)):
            subscription.settled = snapshot.of_type(subscription.type_url)
            return None
        offer = Offer(
            self._nonce(),
            change.listed,
            change.removals,
            since=self._now,
            version=wanted.version,
            source=snapshot.of_type(subscription.type_url),
            whole=wanted,
            owed=subscription.owed,
            lasting=change.lasting,
        )
        subscription.send(offer, NONE)
        self._rewarm(subscription, change.listed)
        self._weigh(subscription, wanted.size if self._is_whole(subscription) else change.size, offer)
        made = wanted.made if self._is_whole(subscription) else change.made
        return self._response(subscription, wanted, offer, made)

    def _is_silent(self, subscription: Subscription, draft: Draft) -> bool:
        if not (draft.news or draft.removals):
            return draft.waits or subscription.answered or not self.dialect.speaks_first(subscription)
        # A full state without what still waits would delete it at a client that has it from an earlier stream, and says
        # of what may still be made that it does not exist.
        sought = self.dialect.name == "sotw" and None in subscription.sought.values()
        gone = subscription.blind or bool(subscription.resumed) or sought
        deletes = draft.waits and gone and is_whole(subscription.type_url)
        return deletes or (subscription.parked is not None and subscription.parked == Offer("", *draft.content()).content)

    def _draft(self, snapshot: Snapshot, subscription: Subscription) -> Draft:
        """What may be said now of a type."""
        draft = self._all(snapshot, subscription)
        draft.wait(self._early(snapshot, subscription, draft.news))
        draft.wait(self._needed(snapshot, subscription, draft.going()))
        draft.leave(subscription.held_back(draft))
        if self._can_remove(subscription):
            draft.removals |= draft.going()
        if not self._is_whole(subscription):
            draft.fit(self._limits.response_bytes)
        return draft

    def _all(self, snapshot: Snapshot, subscription: Subscription) -> Draft:
        """All that the client wants, and what is to be said of what does not exist."""
        resources = snapshot.of_type(subscription.type_url)
        wanted = subscription.wanted(resources)
        lacking = subscription.lacking(resources, wanted)
        if kept := self._kept(snapshot, subscription, lacking):
            wanted = {**wanted, **kept}
            lacking -= kept.keys()
        sought = self._sought(snapshot, subscription, lacking)
        lacking -= sought
        stand_ins = {name: one for name in lacking if (one := self.dialect.stand_in(subscription.type_url, name))}
        draft = subscription.draft(resources, {**wanted, **stand_ins} if stand_ins else wanted)
        draft.wait(sought)
        if self.dialect.tells_missing(subscription.type_url, self._features):
            draft.removals = {name for name in lacking if name not in stand_ins and name not in subscription.held}
        draft.unknown = {*stand_ins, *draft.removals}
        return draft

    def _kept(self, snapshot: Snapshot, subscription: Subscription, lacking: set[str]) -> dict[str, Resource]:
        """What does not exist any more and is owed all the same: the client still refers to it, and gets it as it has it."""
        held = {name for name in lacking if name in subscription.held and name not in subscription.remembered}
        return {name: subscription.held[name] for name in self._needed(snapshot, subscription, held)}

    def _sought(self, snapshot: Snapshot, subscription: Subscription, lacking: set[str]) -> set[str]:
        """The names of which nothing is said yet, because somebody may make what they name: what the client never had, and
        what it has from when it was made before, maybe by another server.
        """
        url = subscription.type_url
        if url not in self._limits.on_demand or not _may_have(snapshot, url):
            return set()
        gone = {name for name in subscription.held if name not in snapshot.of_type(url)}
        withheld = {name for of_type, name in snapshot.withheld if of_type == url}
        self._wanting += [(url, name) for name in sorted(subscription.seek((lacking | gone) - withheld))]
        pending = {name for name, reason in subscription.sought.items() if reason is None}
        # What the client has may be what answers for another name.
        return pending | gone if pending and url in BY_ALIAS else pending & (lacking | gone)

    def _is_whole(self, subscription: Subscription) -> bool:
        """Whether a response lists everything: what is missing from it is deleted."""
        return self.dialect.name == "sotw" and is_whole(subscription.type_url)

    def _can_remove(self, subscription: Subscription) -> bool:
        """SotW has no word for the removal of what is not full state: a parent that no longer names it is all."""
        delta = self.dialect.name == "delta"
        return (delta and subscription.type_url not in NEVER_REMOVED) or is_whole(subscription.type_url)

    def _early(self, snapshot: Snapshot, subscription: Subscription, news: Mapping[str, Resource]) -> set[str]:
        """News that wait for clusters."""
        if subscription.type_url not in NEEDS_CLUSTERS or CDS not in self._subscriptions:
            return set()
        if self._subscriptions[CDS].in_force is snapshot.of_type(CDS):
            return set()
        return {name for name, one in news.items() if subscription.lacks(one) and self._is_waiting(snapshot, one)}

    def _is_waiting(self, snapshot: Snapshot, one: Resource) -> bool:
        return any(self._is_warming(snapshot, cluster) for cluster in _clusters(snapshot, one))

    def _is_warming(self, snapshot: Snapshot, name: str) -> bool:
        """Whether a cluster that the client wants is not in force there yet, as the snapshot has it."""
        cluster, clusters = snapshot.get((CDS, name)), self._subscriptions[CDS]
        if cluster is None or not clusters.covers(name):
            return False
        there = clusters.in_force.get(name)
        return there is None or there.version != cluster.version

    def _needed(self, snapshot: Snapshot, subscription: Subscription, going: set[str]) -> set[str]:
        """What is to go, but is withheld, or which the client still refers to and is about to let go of."""
        if not going:
            return going
        stay = {*self._leaving(snapshot, subscription.type_url), *self._parting(subscription)}
        stay.update(name for type_url, name in snapshot.withheld if type_url == subscription.type_url)
        return going & stay

    def _leaving(self, snapshot: Snapshot, type_url: str) -> Iterator[str]:
        """Names of this type that some parent names at the client, and no longer does in the snapshot."""
        for parents in self._parents(type_url):
            if parents.is_at(snapshot.of_type(parents.type_url)):
                continue
            for parent in parents.naming():
                now = snapshot.get((parents.type_url, parent.name))
                if now != parent:
                    after = set() if now is None else set(now.names(type_url))
                    yield from (child for child in parent.names(type_url) if child not in after)

    def _parting(self, subscription: Subscription) -> AbstractSet[str]:
        """What a client asks for by name that nothing names any more which it has: for a while, it may let go by itself."""
        if self._now >= self._parts_until(subscription):
            return NONE
        type_url = subscription.type_url
        named = (one.names(type_url) for parents in self._parents(type_url) for one in parents.naming())
        return subscription.names.difference(*named)

    def _parts_until(self, subscription: Subscription) -> float:
        """When a client has had the time to let go of what it asks for by name."""
        if subscription.type_url not in LET_GO or subscription.wildcard:
            return -inf
        updated = (one.updated for one in self._parents(subscription.type_url) if one.held)
        return max(updated, default=-inf) + self._limits.patience

    def _parents(self, type_url: str) -> Iterator[Subscription]:
        """The subscriptions of the types that may name one of this type."""
        return (one for url in PARENTS.get(type_url, ()) if (one := self._subscriptions.get(url)) is not None)

    def _make(self, snapshot: Snapshot, subscription: Subscription, draft: Draft) -> Response:
        """Turns the draft into a response, and notes that it is out."""
        everything = draft.visible if isinstance(draft.visible, Resources) else Resources(draft.visible)
        source = snapshot.of_type(subscription.type_url)
        whole = everything if everything is draft.wanted and draft.going() <= draft.removals else None
        offer = Offer(
            self._nonce(),
            *draft.content(),
            since=self._now,
            version=everything.version,
            source=source,
            whole=whole,
            owed=subscription.owed,
        )
        # A full state says of everything how it is to be, and owes nothing more.
        subscription.send(offer, NONE if self._is_whole(subscription) else draft.late & draft.owed)
        self._rewarm(subscription, offer.upserts)
        size = everything.size if self._is_whole(subscription) else sum(one.size for one in offer.upserts)
        self._weigh(subscription, size, offer)
        return self._response(subscription, everything, offer)

    def _response(
        self, subscription: Subscription, everything: Resources, offer: Offer, made: dict[Any, Any] | None = None
    ) -> Response:
        return Response(
            subscription.type_url,
            offer.nonce,
            offer.version,
            self.dialect.contents(subscription, everything, offer),
            offer.removals,
            self._faults(subscription, offer) if offer.unknown else (),
            subscription.spelled,
            mortal=self._tells_ttl(subscription.type_url),
            made=None if subscription.spelled else made,
        )

    def _nonce(self) -> str:
        self._count += 1
        return f"{self._prefix}{self._count}"

    def _weigh(self, subscription: Subscription, size: int, offer: Offer) -> None:
        """Notes once of each version that it is too long for some clients."""
        if size > self._limits.response_bytes and subscription.oversized != offer.version:
            subscription.oversized = offer.version
            self._notices.append(Oversized(subscription.type_url, size))

    def _faults(self, subscription: Subscription, offer: Offer) -> tuple[Fault, ...]:
        """Why the client does not get what it asked for by name."""
        told = (name for name in offer.removals if name in offer.unknown and name in subscription.names)
        return tuple(Fault(name, *self._reason((subscription.type_url, name))) for name in told)

    def _reason(self, reference: Reference) -> tuple[int, str]:
        assert self.snapshot is not None
        if not _may_have(self.snapshot, reference[0]):
            return PERMISSION_DENIED, f"this client may not ask for {short_type(reference[0])} resources"
        if reference in self.snapshot.withheld:
            return UNAVAILABLE, "a client of this node group refused it"
        if reason := self._subscriptions[reference[0]].sought.get(reference[1]):
            return UNAVAILABLE, reason
        return NOT_FOUND, f"there is no such {short_type(reference[0])} resource"

    def _rewarm(self, subscription: Subscription, changed: Collection[Resource]) -> None:
        """What changed warms again and waits for what it names, which Envoy does not ask for again in delta (envoy#13009)
        and asks for with a bare repeat of its ACK in SotW: so that is sent again unasked.
        """
        for type_url in WARMED_BY.get(subscription.type_url, ()):
            if type_url == LEDS and BREAKS_OVER_ENDPOINTS in self._features:
                continue
            if (children := self._subscriptions.get(type_url)) is not None:
                children.owe(name for one in changed for name in one.names(type_url))


def _may_have(snapshot: Snapshot, type_url: str) -> bool:
    """Whether the client is allowed any resources of a type."""
    return snapshot.permitted is None or type_url in snapshot.permitted


def _clusters(snapshot: Snapshot, one: Resource) -> Iterator[str]:
    """The clusters that a resource names, itself or through the routes that it names."""
    yield from one.names(CDS)
    for name in one.names(RDS):
        if (route := snapshot.get((RDS, name))) is not None:
            yield from route.names(CDS)


def _describe(one: Subscription) -> Subscribed:
    if one.offer is not None:
        answer = Answer.PENDING if one.presumed is None else Answer.STALE
    elif one.error:
        answer = Answer.REJECTED
    else:
        answer = Answer.ACCEPTED if one.nonce or one.held else Answer.NOTHING
    return Subscribed(one.type_url, Resources(one.held).version, len(one.held), answer, one.error)
