"""Attachments: which listeners an HTTPRoute is attached to through its parentRefs, and for which hostnames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

from sources.gatewayapi.admission import Admission, admissions, hostnames
from sources.gatewayapi.filter import Entrance
from sources.gatewayapi.gateway import ACCEPTED, Verdict, gateway
from sources.gatewayapi.hostname import ANY, intersection, narrowest
from sources.gatewayapi.kind import NAMESPACE
from sources.gatewayapi.known import Known, gateway_of
from sources.gatewayapi.precedence import Age
from sources.gatewayapi.schema.gateway import Requirement, RouteNamespaces, Selector
from sources.gatewayapi.schema.reference import ParentRef
from sources.gatewayapi.schema.route import HTTPRoute
from sources.graph import Reader
from xds.model import Key

A = TypeVar("A")
B = TypeVar("B")

NAMESPACE_NAME: Final = "kubernetes.io/metadata.name"
"""The label that every namespace has."""


class Slot(NamedTuple):
    """A domain in a table of a Gateway: what a virtual host is made for."""

    gateway: Key
    table: str
    domain: str


TableKey = tuple[Key, str]
"""A Gateway, and the name of one of its tables."""


class Place(NamedTuple):
    """Where a route is attached: a listener, and a hostname that both mean.

    `own` tells whether the listener is the most specific of its port for that hostname: if not, it is another's.
    """

    listener: str
    entrance: Entrance
    slot: Slot
    own: bool


@dataclass(frozen=True, slots=True)
class Parent:
    """What came of one parentRef that names a Gateway of ours."""

    ref: ParentRef
    gateway: Key
    verdict: Verdict
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Attachment:
    """What came of all parentRefs of a route: by Gateway its listeners, and by table the slots that it has a share in.

    `age` sorts routes as Gateway API settles ties between them.
    """

    age: Age
    parents: tuple[Parent, ...]
    listeners: Mapping[Key, frozenset[str]]
    slots: Mapping[TableKey, frozenset[Slot]]

    def has(self, slot: Slot) -> bool:
        """Whether the route has a share in a slot."""
        return slot in self.slots.get(slot[:2], ())


def attachment(read: Reader, key: Key) -> Attachment | None:
    """Where a route is attached; None when there is no such route."""
    known: Known[HTTPRoute] | None = read.input(key)
    if known is None:
        return None
    parents = tuple(_parents(read, known))
    places = [place for one in parents for place in one.places]
    listeners = _gathered((place.slot.gateway, place.listener) for place in places)
    slots = _gathered((place.slot[:2], place.slot) for place in places if place.own)
    return Attachment(known.age, parents, listeners, slots)


def _gathered(pairs: Iterable[tuple[A, B]]) -> Mapping[A, frozenset[B]]:
    found: dict[A, set[B]] = {}
    for one, other in pairs:
        found.setdefault(one, set()).add(other)
    return {one: frozenset(others) for one, others in found.items()}


def _parents(read: Reader, known: Known[HTTPRoute]) -> Iterator[Parent]:
    for ref in known.document.spec.parent_refs:
        key = gateway_of(ref, known.key.namespace)
        if key is not None and read.get(gateway, key) is not None:
            yield Parent(ref, key, *_attach(read, known, ref, key))


def _attach(read: Reader, known: Known[HTTPRoute], ref: ParentRef, key: Key) -> tuple[Verdict, tuple[Place, ...]]:
    """The verdict and the places: each step leaves fewer listeners, and the step that leaves none is to blame."""
    found = read.get(admissions, key)
    named = [one for one in found if _names(ref, one)]
    if not named:
        return Verdict(False, "NoMatchingParent", f"{key} has no listener {_wanted(ref)}"), ()
    allowing = [one for one in named if one.kinds and _allows(read, one, known.key.namespace, key.namespace)]
    if not allowing:
        message = f"{_listeners(named)} of {key} does not allow HTTPRoutes of namespace {known.key.namespace}"
        return Verdict(False, "NotAllowedByListeners", message), ()
    open_ = [one for one in allowing if one.accepted]
    if not open_:
        return Verdict(False, "NoMatchingParent", f"{_listeners(allowing)} of {key} is not accepted"), ()
    places = tuple(_places(read, key, open_, known.document.spec.hostnames or (ANY,)))
    if not places:
        wanted, has = ", ".join(known.document.spec.hostnames), ", ".join(one.hostname for one in open_)
        return Verdict(False, "NoMatchingListenerHostname", f"{wanted} is none of the listeners' hostnames: {has}"), ()
    return ACCEPTED, places


def _names(ref: ParentRef, one: Admission) -> bool:
    return ref.section_name in (None, one.listener.name) and ref.port in (None, one.listener.port)


def _wanted(ref: ParentRef) -> str:
    name = f"named {ref.section_name}" if ref.section_name else ""
    port = f"on port {ref.port}" if ref.port else ""
    return f"{name} {port}".strip() or "that can be served"


def _listeners(found: Iterable[Admission]) -> str:
    return "listener " + ", ".join(one.listener.name for one in found)


def _places(read: Reader, key: Key, found: Iterable[Admission], wanted: Iterable[str]) -> Iterator[Place]:
    for one in found:
        others = read.get(hostnames, key)[one.listener.port]
        for hostname in wanted:
            if (domain := intersection(one.hostname, hostname)) is not None:
                own = narrowest(others, domain) == one.hostname
                yield Place(one.listener.name, one.entrance, Slot(key, one.table, domain), own)


def _allows(read: Reader, one: Admission, namespace: str, own: str) -> bool:
    """Whether a listener of a Gateway in namespace `own` lets routes of a namespace attach."""
    allowed: RouteNamespaces = one.listener.allowed_routes.namespaces
    if allowed.from_ == "Selector":
        return allowed.selector is not None and _selects(allowed.selector, read.get(_labels, namespace))
    return allowed.from_ == "All" or (allowed.from_ == "Same" and namespace == own)


def _labels(read: Reader, namespace: str) -> dict[str, str]:
    known: Known[Any] | None = read.input(Key(NAMESPACE, "", namespace))
    return {**(known.object.labels if known else {}), NAMESPACE_NAME: namespace}


def _selects(selector: Selector, labels: dict[str, str]) -> bool:
    return selector.match_labels.items() <= labels.items() and all(_holds(one, labels) for one in selector.match_expressions)


def _holds(one: Requirement, labels: dict[str, str]) -> bool:
    return {
        "In": labels.get(one.key) in one.values,
        "NotIn": labels.get(one.key) not in one.values,
        "Exists": one.key in labels,
        "DoesNotExist": one.key not in labels,
    }[one.operator]
