"""Views: what people and programs are shown of the plane, as JSON data. Never the content of a secret."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from xds.codec import resource_to_json
from xds.codec.redact import redact
from xds.model import Condition, Diagnostic, Key, Proxy, Refusal, Resource, Snapshot, Status
from xds.model.type_url import SHORT_TYPES, short_type

Snapshots = Mapping[str, Snapshot]


def version(one: Resource) -> str:
    """A resource's version alone."""
    return one.version


def body(one: Resource) -> dict[str, Any]:
    """A resource's whole message, its secrets redacted."""
    return redact(resource_to_json(one))


def snapshots(every: Snapshots, show: Callable[[Resource], Any], *, only: str | None = None) -> dict[str, Any]:
    """Node group -> short type -> name -> what `show` makes of the resource; of one type URL only, where it is given."""
    return {group: _types(snapshot, show, only) for group, snapshot in sorted(every.items())}


def _types(snapshot: Snapshot, show: Callable[[Resource], Any], only: str | None) -> dict[str, Any]:
    return {
        short_type(type_url): {name: show(one) for name, one in sorted(snapshot.of_type(type_url).items())}
        for type_url in in_order(snapshot.types)
        if only in (None, type_url)
    }


def in_order(type_urls: Iterable[str]) -> list[str]:
    """Type URLs in the order in which a person reads a configuration."""
    places = {type_url: place for place, type_url in enumerate(SHORT_TYPES.values())}
    return sorted(type_urls, key=lambda type_url: (places.get(type_url, len(places)), type_url))


def statuses(every: Mapping[Key, Status]) -> list[dict[str, Any]]:
    """Every object that has a status: who it is, whether all is well with it, why not, and the status itself."""
    return [_status(key, status) for key, status in sorted(every.items())]


def _status(key: Key, status: Status) -> dict[str, Any]:
    failing = [_failing(part, condition) for part, condition in status.failing()]
    return {
        "object": str(key),
        "apiVersion": key.kind.api_version,
        "kind": key.kind.name,
        "namespace": key.namespace,
        "name": key.name,
        "well": not failing,
        "summary": status.summary,
        "failing": failing,
        "status": status.to_json(),
    }


def _failing(part: str, condition: Condition) -> dict[str, str]:
    return {"part": part, "type": condition.type, "reason": condition.reason, "message": condition.message}


def diagnostics(every: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """What authors should know: how bad, where, about what, and what to do."""
    return [
        {
            "severity": str(one.severity),
            "file": one.origin.file if one.origin else "",
            "line": one.origin.line if one.origin else 0,
            "object": str(one.key) if one.key else "",
            "field": one.field,
            "message": one.message,
            "hint": one.hint,
        }
        for one in every
    ]


def proxies(connected: Iterable[Proxy], refused: Iterable[Refusal]) -> dict[str, Any]:
    """Who is connected with what, and what was refused."""
    return {"proxies": [_proxy(one) for one in connected], "refused": [_refusal(one) for one in refused]}


def _proxy(one: Proxy) -> dict[str, Any]:
    return {
        "id": one.node.id,
        "group": one.group,
        "peer": one.peer,
        "dialect": one.dialect,
        "service": one.service,
        "userAgent": one.node.user_agent,
        "since": datetime.fromtimestamp(one.since, UTC).isoformat(timespec="seconds"),
        "types": {
            short_type(held.type_url): {
                "resources": held.resources,
                "version": held.version,
                "answer": str(held.answer),
                "error": held.error,
            }
            for held in one.types
        },
    }


def _refusal(one: Refusal) -> dict[str, Any]:
    return {
        "group": one.group,
        "type": short_type(one.type_url),
        "name": one.name,
        "version": one.version,
        "message": one.message,
        "kept": one.kept,
        "objects": list(map(str, one.authors)),
    }
