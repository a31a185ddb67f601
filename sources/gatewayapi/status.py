"""Statuses: what the authors of objects are told, from the same values that the resources are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from sources.gatewayapi.address import HTTPS, addresses, reached
from sources.gatewayapi.admission import Admission, admissions
from sources.gatewayapi.attachment import Attachment, Parent, attachment
from sources.gatewayapi.authority import authorities
from sources.gatewayapi.certificate import certificates
from sources.gatewayapi.cluster import addresses_of
from sources.gatewayapi.destination import unsupported_by
from sources.gatewayapi.feature import FEATURES
from sources.gatewayapi.gateway import (
    ACCEPTED,
    Verdict,
    class_is_ours,
    class_verdict,
    gateway,
    gateway_verdict,
    group_name,
)
from sources.gatewayapi.known import Known
from sources.gatewayapi.listener import listens, url
from sources.gatewayapi.route import Outcome, outcome
from sources.gatewayapi.schema.backend import Backend
from sources.gatewayapi.schema.gateway import Gateway
from sources.gatewayapi.schema.reference import ParentRef
from sources.gatewayapi.schema.route import HTTPRoute
from sources.gatewayapi.settings import settings
from sources.gatewayapi.table import attached, served
from sources.graph import Reader
from xds.model import Condition, Key, Part, Status


def class_status(read: Reader, key: Key) -> Status | None:
    """The status of a GatewayClass; None when it is not ours."""
    known: Known[Any] | None = read.input(key)
    if known is None or not read.get(class_is_ours, key):
        return None
    verdict = read.get(class_verdict, key)
    return Status(
        _conditions({"Accepted": verdict}, known),
        fields={"supportedFeatures": [{"name": one} for one in FEATURES]},
        summary=verdict.message or "its Gateways are served here",
    )


def backend_status(read: Reader, key: Key) -> Status | None:
    """The status of a Backend."""
    known: Known[Backend] | None = read.input(key)
    if known is None:
        return None
    unsupported = unsupported_by(known.document)
    verdict = Verdict(False, "Invalid", unsupported) if unsupported else ACCEPTED
    return Status(_conditions({"Accepted": verdict}, known), summary=unsupported or _endpoints(known.document))


def gateway_status(read: Reader, key: Key) -> Status | None:
    """The status of a Gateway and its listeners; None when it is not ours."""
    known = read.get(gateway, key)
    if known is None:
        return None
    accepted, programmed = _gateway_verdicts(read, known)
    urls = ", ".join(one.url for one in read.get(listens, key))
    return Status(
        _conditions({"Accepted": accepted, "Programmed": programmed, **_lenience(read, known)}, known),
        tuple(_listener_part(read, known, one) for one in read.get(admissions, key)),
        {"addresses": [{"type": "IPAddress", "value": one} for one in read.get(reached, key)]},
        "; ".join(filter(None, (urls, programmed.message))),
    )


def route_status(read: Reader, key: Key) -> Status | None:
    """The status of an HTTPRoute under each Gateway of ours; None when it names none."""
    known: Known[HTTPRoute] | None = read.input(key)
    attachments = read.get(attachment, key)
    if known is None or attachments is None or not attachments.parents:
        return None
    came = read.get(outcome, key)
    assert came is not None
    controller = read.get(settings, None).controller_name
    parts = tuple(_parent_part(known, one, came, controller) for one in attachments.parents)
    failing = [one.message for part in parts for one in part.conditions if not one.status]
    return Status((), parts, summary="; ".join(dict.fromkeys(failing)) or _summary(read, attachments, came.line))


def _parent_part(known: Known[HTTPRoute], one: Parent, came: Outcome, controller: str) -> Part:
    accepted = came.accepted if one.verdict.status else one.verdict
    field = f"spec.parentRefs[{known.document.spec.parent_refs.index(one.ref)}]"
    conditions = _conditions({"Accepted": accepted, "ResolvedRefs": came.resolved}, known, field)
    return parent_part(one.ref, one.gateway, conditions, controller)


def parent_part(ref: ParentRef, gateway: Key, conditions: tuple[Condition, ...], controller: str) -> Part:
    """What a route is told under one of its parentRefs, which names this Gateway."""
    written = {name: value for name, value in msgspec.to_builtins(ref).items() if value is not None}
    name = group_name(gateway) + (f"/{ref.section_name}" if ref.section_name else "")
    return Part("parents", name, conditions, {"parentRef": written, "controllerName": controller}, group_name(gateway))


def _summary(read: Reader, attachments: Attachment, line: str) -> str:
    """Where the first rule is served, `http://127.0.0.1:8080/ -> service default/echo:80`, or that it is nowhere."""
    for parent in attachments.parents:
        live = {one.listener.name for one in read.get(served, parent.gateway)}
        for place in parent.places:
            if place.own and place.listener in live:
                domain = place.slot.domain
                host = read.get(addresses, parent.gateway)[0] if domain.startswith("*") else domain
                return url(place.entrance.scheme, host, place.entrance.port) + line
    places = [place for parent in attachments.parents for place in parent.places]
    if any(place.own for place in places):
        return f"nowhere, as listener {places[0].listener} is not served: {line}"
    return f"nowhere, as {places[0].slot.domain} belongs to a more specific listener: {line}"


def _gateway_verdicts(read: Reader, known: Known[Gateway]) -> tuple[Verdict, Verdict]:
    """The conditions Accepted and Programmed of a Gateway. What is wrong with a listener stands there."""
    accepted = read.get(gateway_verdict, known.key)
    if not accepted.status:
        return accepted, Verdict(False, "Invalid", accepted.message)
    if not read.get(addresses, known.key):
        pool = read.get(settings, None).address_pool
        return accepted, Verdict(False, "AddressNotAssigned", f"every address of the pool {pool} is taken")
    found, live = read.get(admissions, known.key), read.get(served, known.key)
    if len(live) == len(found):
        return accepted, Verdict(True, "Programmed")
    names = [one.listener.name for one in found if one not in live]
    message = f"{'listeners' if len(names) > 1 else 'listener'} not served: {', '.join(names)}"
    return (
        Verdict(any(one.accepted for one in found), "ListenersNotValid", message),
        Verdict(bool(live), "Programmed" if live else "Invalid", message),
    )


def _lenience(read: Reader, known: Known[Gateway]) -> Mapping[str, Verdict]:
    """The condition that warns of HTTPS listeners which let in whom they cannot check; absent where there is none."""
    ports = {one.port for one in known.document.spec.listeners if one.protocol == HTTPS}
    lenient = [str(port) for port in sorted(ports) if (of := read.get(authorities, (known.key, port))) and not of.strict]
    message = f"clients without a valid certificate are let in at port {', '.join(lenient)}"
    return {"InsecureFrontendValidationMode": Verdict(True, "ConfigurationChanged", message)} if lenient else {}


def _listener_part(read: Reader, known: Known[Gateway], one: Admission) -> Part:
    name = one.listener.name
    conflict = Verdict(True, *one.verdict[1:]) if one.conflicted else Verdict(False, "NoConflicts")
    verdicts = {
        "Accepted": one.verdict,
        "Conflicted": conflict,
        "ResolvedRefs": _resolved(read, known.key, one),
        "Programmed": _programmed(read, known.key, one),
    }
    identity = {
        "name": name,
        "supportedKinds": [{"group": kind.group, "kind": kind.kind} for kind in one.kinds],
        "attachedRoutes": read.get(attached, known.key).get(name, 0),
    }
    field = f"spec.listeners[{known.document.spec.listeners.index(one.listener)}]"
    return Part("listeners", name, _conditions(verdicts, known, field), identity)


def _programmed(read: Reader, key: Key, one: Admission) -> Verdict:
    if one in read.get(served, key):
        return Verdict(True, "Programmed")
    return Verdict(False, "Invalid", "it has no usable certificate" if one.accepted else "it is not accepted")


def _resolved(read: Reader, key: Key, one: Admission) -> Verdict:
    if one.unknown_kinds:
        message = (
            f"allowedRoutes.kinds has {', '.join(one.unknown_kinds)}, which {one.listener.protocol} listeners do not serve"
        )
        return Verdict(False, "InvalidRouteKinds", message)
    found = read.get(certificates, (key, one.listener.name)).verdict
    clients = read.get(authorities, (key, one.listener.port)) if one.listener.protocol == HTTPS else None
    return clients.verdict if found.status and clients is not None else found


def _conditions(verdicts: Mapping[str, Verdict], known: Known[Any], field: str = "") -> tuple[Condition, ...]:
    generation = known.object.generation
    return tuple(
        Condition(kind, one.status, one.reason, one.message, generation, one.field or field)
        for kind, one in verdicts.items()
    )


def _endpoints(backend: Backend) -> str:
    at = [_endpoint(*one) for one in addresses_of(backend)]
    return ", ".join(at[:3]) + (f" (+{len(at) - 3} more)" if len(at) > 3 else "")


def _endpoint(address: str, port: int) -> str:
    if not port:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
