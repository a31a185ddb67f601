"""The two wire forms of xDS, state-of-the-world and delta: how each is read and written, and the few places where they
differ in what they mean. Everything else is the stream's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Final, Protocol

from xds.codec import wire
from xds.codec.request import read_names, read_versions
from xds.model import ProtocolError, Resource, Resources
from xds.model.name import is_glob
from xds.model.node import WAITS_WITHOUT_END
from xds.model.type_url import EDS, PREFIX, SHORT_TYPES, VHDS
from xds.protocol.encoded import Encoded
from xds.protocol.message import Fault, Request, Response
from xds.protocol.offer import Offer
from xds.protocol.order import BY_ALIAS, SILENT_TO_ENVOY, SILENT_WHEN_MISSING, TOLD_MISSING, is_whole
from xds.protocol.subscription import NOWHERE, WILDCARD, Subscription, no_endpoints, no_host

WRAPPED: Final = wire.delimited(1, PREFIX + "envoy.service.discovery.v3.Resource")
"""The type of a resource in its wrapper, encoded."""


SOTW_RUNS: Final = frozenset({3})
DELTA_RUNS: Final = frozenset({3, 4, 5})
"""The fields of requests of which there may be thousands."""
TYPE_URL, NONCE = 0x12, 0x32
"""How these fields of a delta request begin."""
KNOWN: Final = {type_url.encode(): type_url for type_url in SHORT_TYPES.values()}


class Dialect(Protocol):
    """One wire form. Stateless: all state is in the stream's subscriptions."""

    name: ClassVar[str]

    def read(self, body: bytes) -> Request:
        """A request's bytes, by field. Raises ProtocolError when they are none."""
        ...

    def encode(self, response: Response, identifier: str) -> Encoded:
        """A response's bytes without the nonce, with the name of this control plane: one object for the same content."""
        ...

    def write(self, response: Response, identifier: str) -> bytes:
        """A response's bytes; the nonce, the only part of its own, comes last."""
        ...

    def is_stale(self, subscription: Subscription, request: Request) -> bool:
        """Whether the request answers a response that is not the last one, and so is no answer."""
        ...

    def subscribe(self, subscription: Subscription, request: Request, *, trusted: bool) -> None:
        """Takes over what the request says of names. `trusted`: what the client says it already holds may be believed."""
        ...

    def stand_in(self, type_url: str, name: str) -> Resource | None:
        """What is sent in the place of a resource that does not exist, where clients wait for it otherwise."""
        ...

    def tells_missing(self, type_url: str, features: frozenset[str]) -> bool:
        """Whether a client with these features is told that a resource of this type does not exist."""
        ...

    def contents(self, subscription: Subscription, visible: Mapping[str, Resource], offer: Offer) -> tuple[Resource, ...]:
        """The resources that a response with this offer lists."""
        ...

    def speaks_first(self, subscription: Subscription) -> bool:
        """Whether a first request is answered even when there is nothing to send."""
        ...


class Sotw:
    """State of the world: a request names the whole subscription, a response of LDS or CDS is the whole state."""

    name: ClassVar[str] = "sotw"

    def read(self, body: bytes) -> Request:
        """envoy.service.discovery.v3.DiscoveryRequest."""
        version = type_url = nonce = ""
        node, error, names = b"", None, []
        for number, value in wire.fields(body, SOTW_RUNS):
            match number:
                case 1:
                    version = wire.text(value)
                case 2:
                    node = _message(value)
                case 3:
                    names += read_names(_message(value))
                case 4:
                    type_url = wire.text(value)
                case 5:
                    nonce = wire.text(value)
                case 6:
                    error = _status(_message(value))
                case 7:
                    names.append(_locator(value))
        return Request(type_url, nonce, error, node, names=tuple(names), version=version)

    def encode(self, response: Response, identifier: str) -> Encoded:
        """envoy.service.discovery.v3.DiscoveryResponse, without its nonce."""
        return _once(self, response, identifier)

    def splice(self, response: Response, identifier: str) -> bytes:
        """The same, made anew."""
        type_url = wire.delimited(1, response.type_url)
        pieces = [wire.delimited(1, response.version)]
        pieces += [
            wire.delimited(2, type_url + wire.delimited(2, one.body))
            if one.ttl is None or not response.mortal
            else wire.delimited(2, _in_wrapper(one, response, type_url))
            for one in response.resources
        ]
        pieces += [_fault(7, one, response.spelled) for one in response.faults]
        pieces += [wire.delimited(4, response.type_url), _identifier(6, identifier)]
        return b"".join(pieces)

    def write(self, response: Response, identifier: str) -> bytes:
        """envoy.service.discovery.v3.DiscoveryResponse."""
        return self.encode(response, identifier).message(response.nonce)

    def is_stale(self, subscription: Subscription, request: Request) -> bool:
        """A request without the last nonce was sent before its client saw the last response (XP "Resource updates")."""
        return subscription.nonce not in ("", request.nonce)

    def subscribe(self, subscription: Subscription, request: Request, *, trusted: bool) -> None:  # noqa: ARG002
        """The names are the subscription; none at all is everything, for some types, until one was named once."""
        names = subscription.read(request.names)
        if not (subscription.nonce or subscription.answered):
            subscription.resumed = request.version
        if names:
            subscription.named_before = True
        legacy = not names and not subscription.named_before and is_whole(subscription.type_url)
        wildcard = legacy or WILDCARD in names
        names -= {WILDCARD}
        if wildcard == subscription.wildcard and subscription.names == names:
            return
        subscription.wildcard = wildcard
        subscription.want(names)
        subscription.forget_uncovered()
        subscription.changed()

    def stand_in(self, type_url: str, name: str) -> Resource | None:
        """Endpoints without any: there is no other word for it in SotW that Envoy understands."""
        return no_endpoints(name) if type_url == EDS and not is_glob(name) else None

    def tells_missing(self, type_url: str, features: frozenset[str]) -> bool:  # noqa: ARG002
        """In the errors of a response, and by its absence where the response lists everything."""
        return type_url in TOLD_MISSING

    def contents(self, subscription: Subscription, visible: Mapping[str, Resource], offer: Offer) -> tuple[Resource, ...]:
        """All of it for full-state types; for the others only what changed (XP "Grouping Resources into Responses")."""
        if not is_whole(subscription.type_url):
            return offer.upserts
        return visible.listed if isinstance(visible, Resources) else tuple(visible.values())

    def speaks_first(self, subscription: Subscription) -> bool:
        """An empty list of clusters or listeners is news: Envoy waits 15 s for it otherwise."""
        return is_whole(subscription.type_url)


class Delta:
    """Incremental: a request adds and drops names, a response adds and removes resources."""

    name: ClassVar[str] = "delta"

    def read(self, body: bytes) -> Request:
        """envoy.service.discovery.v3.DeltaDiscoveryRequest."""
        if (ack := _plain_ack(body)) is not None:
            return ack
        type_url = nonce = ""
        node, error = b"", None
        names: dict[int, list[str]] = {3: [], 4: []}
        initial: dict[str, str] = {}
        for number, value in wire.fields(body, DELTA_RUNS):
            match number:
                case 1:
                    node = _message(value)
                case 2:
                    type_url = wire.text(value)
                case 3 | 4:
                    names[number] += read_names(_message(value), number)
                case 5:
                    initial |= read_versions(_message(value))
                case 6:
                    nonce = wire.text(value)
                case 7:
                    error = _status(_message(value))
                case 8 | 9:
                    names[number - 5].append(_locator(value))
        return Request(type_url, nonce, error, node, subscribe=tuple(names[3]), unsubscribe=tuple(names[4]), initial=initial)

    def encode(self, response: Response, identifier: str) -> Encoded:
        """envoy.service.discovery.v3.DeltaDiscoveryResponse, without its nonce."""
        return _once(self, response, identifier)

    def splice(self, response: Response, identifier: str) -> bytes:
        """The same, made anew."""
        pieces = [wire.delimited(1, response.version)]
        spelled, type_url = response.spelled, wire.delimited(1, response.type_url)
        pieces += [wire.delimited(2, _wrapped(one, response, type_url)) for one in response.resources]
        pieces += [wire.delimited(6, spelled.get(name, name)) for name in response.removals]
        pieces += [_fault(9, one, spelled) for one in response.faults]
        pieces += [wire.delimited(4, response.type_url), _identifier(7, identifier)]
        return b"".join(pieces)

    def write(self, response: Response, identifier: str) -> bytes:
        """envoy.service.discovery.v3.DeltaDiscoveryResponse."""
        return self.encode(response, identifier).message(response.nonce)

    def is_stale(self, subscription: Subscription, request: Request) -> bool:  # noqa: ARG002
        """Never: what a delta request adds and drops counts whatever its nonce."""
        return False

    def subscribe(self, subscription: Subscription, request: Request, *, trusted: bool) -> None:
        """Names are added, then dropped. A name asked for again is owed again (XP "Subscribing to Resources")."""
        first = not subscription.named_before
        if not (first or request.subscribe or request.unsubscribe):
            return
        subscription.named_before = True
        self._add(subscription, request, first=first)
        self._drop(subscription, request)
        if first:
            # What is not believed is sent again, whatever its version; but it may be taken away all the same.
            subscription.remember(request.initial if trusted else dict.fromkeys(request.initial, ""))
        if first and request.initial:
            # It goes on where another stream ended: it does not wait to hear that nothing is new.
            subscription.answered = True
        subscription.changed()

    def _add(self, subscription: Subscription, request: Request, *, first: bool) -> None:
        named = subscription.read(request.subscribe)
        legacy = first and not named and not request.unsubscribe and is_whole(subscription.type_url)
        given = subscription.given()
        if again := set(given if WILDCARD in named else named & given):
            subscription.owed |= again
        if subscription.type_url in BY_ALIAS:
            subscription.owed |= named - {WILDCARD}  # what it holds under another name may answer for these, too
        subscription.wildcard |= legacy or WILDCARD in named
        named -= {WILDCARD}
        subscription.ask_again(named)
        subscription.want(subscription.names | named)

    def _drop(self, subscription: Subscription, request: Request) -> None:
        dropped = subscription.read(request.unsubscribe)
        if not dropped:
            return
        if WILDCARD in dropped:
            subscription.wildcard = False
        explicit = dropped & subscription.names
        subscription.want(subscription.names - dropped)
        if subscription.wildcard:
            subscription.owed |= explicit  # the wildcard still covers them: the client is to learn what they are
        subscription.forget_uncovered()

    def stand_in(self, type_url: str, name: str) -> Resource | None:
        """A virtual host without a body; all else is reported as removed."""
        return no_host(name) if type_url == VHDS else None

    def tells_missing(self, type_url: str, features: frozenset[str]) -> bool:
        """As removed, and in the errors of the response."""
        return type_url not in (SILENT_TO_ENVOY if WAITS_WITHOUT_END in features else SILENT_WHEN_MISSING)

    def contents(self, subscription: Subscription, visible: Mapping[str, Resource], offer: Offer) -> tuple[Resource, ...]:  # noqa: ARG002
        """Only what changed."""
        return offer.upserts

    def speaks_first(self, subscription: Subscription) -> bool:
        """A wildcard that matches nothing is told so."""
        return subscription.wildcard


def _plain_ack(body: bytes) -> Request | None:
    """A delta request that consists of a known type and a nonce, in this order: nearly all are; None where it is another."""
    if len(body) < 2 or body[0] != TYPE_URL:
        return None
    end = 2 + body[1]
    type_url, rest = KNOWN.get(body[2:end]), body[end:]
    if type_url is None or len(rest) < 2 or rest[0] != NONCE or not rest[1] == len(rest) - 2 < 0x80:
        return None
    return Request(type_url, wire.text(rest[2:]))


def _once(dialect: Sotw | Delta, response: Response, identifier: str) -> Encoded:
    """The response, encoded once for all streams that are told the same."""
    made, key = response.made, (dialect.name, response.type_url, response.mortal, identifier)
    if made is None or not (response.resources or response.removals):  # nothing is the same for everybody
        return Encoded(dialect.splice(response, identifier))
    if key not in made:
        made[key] = Encoded(dialect.splice(response, identifier))
    encoded: Encoded = made[key]
    return encoded


def _in_wrapper(one: Resource, response: Response, type_url: bytes) -> bytes:
    """A resource in its wrapper, as google.protobuf.Any. Its version is that of the whole response: Envoy takes it for a
    heartbeat only then.
    """
    return WRAPPED + wire.delimited(2, _wrapped(replace(one, version=response.version), response, type_url))


def _wrapped(one: Resource, response: Response, type_url: bytes) -> bytes:
    """envoy.service.discovery.v3.Resource."""
    spelled = response.spelled
    pieces = [wire.delimited(3, spelled.get(one.name, one.name)), wire.delimited(1, one.version)]
    pieces += [wire.delimited(4, spelled.get(alias, alias)) for alias in one.aliases]
    if not response.heartbeat and (one.body or one.version != NOWHERE):
        pieces.append(wire.delimited(2, type_url + wire.delimited(2, one.body)))
    if one.ttl is not None and response.mortal:
        pieces.append(wire.delimited(6, _duration(one.ttl)))
    return b"".join(pieces)


def _duration(seconds: float) -> bytes:
    """google.protobuf.Duration."""
    whole, nanos = divmod(round(seconds * 1_000_000_000), 1_000_000_000)
    return wire.number(1, whole) + wire.number(2, nanos)


def _fault(number: int, fault: Fault, spelled: Mapping[str, str]) -> bytes:
    """envoy.service.discovery.v3.ResourceError, with a google.rpc.Status."""
    name = wire.delimited(1, spelled.get(fault.name, fault.name))
    status = wire.number(1, fault.code) + wire.delimited(2, fault.message)
    return wire.delimited(number, wire.delimited(1, name) + wire.delimited(2, status))


def _identifier(number: int, identifier: str) -> bytes:
    """envoy.config.core.v3.ControlPlane."""
    return wire.delimited(number, wire.delimited(1, identifier))


def _message(value: bytes | int) -> bytes:
    if isinstance(value, int):
        raise ProtocolError("a message field holds a number")
    return value


def _locator(value: bytes | int) -> str:
    """The name in an envoy.service.discovery.v3.ResourceLocator.

    Its dynamic parameters choose among variants of a resource. Here is one of each, without constraints: it answers any
    (https://github.com/cncf/xds/blob/main/proposals/TP2-dynamically-generated-cacheable-xds-resources.md).
    """
    return wire.text(dict(wire.fields(_message(value))).get(1, b""))


def _status(body: bytes) -> str:
    """The words of a google.rpc.Status."""
    return wire.text(dict(wire.fields(body)).get(2, b""))


SOTW: Final = Sotw()
DELTA: Final = Delta()
