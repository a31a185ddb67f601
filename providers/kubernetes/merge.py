"""Merging: what becomes of the status that an object has, when ours is laid over it. No I/O, no clock.

Others write to the same statuses. Theirs are the entries of `parents` and `ancestors` with another `controllerName`, the
conditions of types that Gateway API does not have, and the fields that we do not write: all that stays as it is and where
it is. https://gateway-api.sigs.k8s.io/reference/spec/#routeparentstatus
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

Json = Mapping[str, Any]
Entries = Sequence[Json]

SHARED: Final = {"parents": ("parentRef", 32), "ancestors": ("ancestorRef", 16)}
"""Lists with entries of several controllers: the field that says what an entry is about, and how many there may be."""
OWN_LISTS: Final = ("listeners",)
"""Lists that belong to the object's controller alone: what it no longer says is gone."""
OWN_TYPES: Final = frozenset(
    {
        "Accepted",
        "AttachedListenerSets",
        "Conflicted",
        "InsecureFrontendValidationMode",
        "OverlappingTLSConfig",
        "PartiallyInvalid",
        "Programmed",
        "Ready",
        "ResolvedRefs",
        "Scheduled",
        "SupportedVersion",
    },
)
"""Types of conditions that belong to the object's controller: what it no longer says is gone."""

MOST_CONDITIONS: Final = 8
LONGEST_MESSAGE: Final = 32_768
"""Characters."""
REASON: Final = re.compile(r"[A-Za-z]([A-Za-z0-9_,:]{0,1022}[A-Za-z0-9_])?")
ANY_REASON: Final = "Other"
"""Stands for a reason that Kubernetes would refuse."""


def merge(current: Json, ours: Json, controller: str, now: str) -> dict[str, Any]:
    """The fields of an object's status that must change for ours to stand in it; empty when it does.

    `current` is the status as it is, `ours` that of `Status.to_json()`: an empty one takes out the entries of `controller`
    and touches nothing else. `now` (RFC 3339, seconds) is the time of the conditions whose status changes; the others keep
    theirs. What is longer than Kubernetes takes is cut.
    """
    merged = {section: _shared(section, current, ours, controller, now) for section in SHARED}
    if ours:
        merged |= {name: value for name, value in ours.items() if name not in SHARED}
        merged |= {section: _listed(current.get(section, ()), ours.get(section, ()), now) for section in OWN_LISTS}
        merged["conditions"] = _conditions(current.get("conditions", ()), ours.get("conditions", ()), now)
    return {name: value for name, value in merged.items() if value != current.get(name, [])}


def _shared(section: str, current: Json, ours: Json, controller: str, now: str) -> list[Json]:
    """A list with entries of several controllers."""
    identity, most = SHARED[section]
    entries: Entries = current.get(section, ())
    stood = {_spelled(one.get(identity, {})): one for one in entries if one.get("controllerName") == controller}
    fresh = [_entry(one, stood.get(_spelled(one[identity]), {}), now) for one in ours.get(section, ())]
    return _woven(entries, fresh, lambda one: one.get("controllerName") == controller, most)


def _listed(current: Entries, ours: Entries, now: str) -> list[Json]:
    """A list that is all ours, by the names of its entries."""
    stood = {one.get("name"): one for one in current}
    return [_entry(one, stood.get(one["name"], {}), now) for one in ours]


def _entry(one: Json, stood: Json, now: str) -> Json:
    """An entry of ours, with the times of the conditions that it had."""
    return {**one, "conditions": _dated(one["conditions"], stood.get("conditions", ()), now)[:MOST_CONDITIONS]}


def _conditions(current: Entries, ours: Entries, now: str) -> list[Json]:
    """The conditions of the object as a whole."""
    types = OWN_TYPES.union(one["type"] for one in ours)
    return _woven(current, _dated(ours, current, now), lambda one: one["type"] in types, MOST_CONDITIONS)


def _woven(current: Entries, ours: Entries, is_ours: Callable[[Json], bool], most: int) -> list[Json]:
    """Ours in our order, in the places that ours had and then at the end; the others stay where they are, and go first where
    there is no room for all.
    """
    room = most - sum(not is_ours(one) for one in current)
    fresh = iter(ours[: max(0, room)])
    kept = (next(fresh, None) if is_ours(one) else one for one in current)
    return [*(one for one in kept if one is not None), *fresh]


def _dated(ours: Entries, stood: Entries, now: str) -> list[Json]:
    """Conditions with the time of their last transition: now, unless they stood with the same status already."""
    before = {one["type"]: one for one in stood}
    return [{**_fitting(one), "lastTransitionTime": _since(one, before.get(one["type"], {}), now)} for one in ours]


def _since(one: Json, before: Json, now: str) -> Any:
    return (before.get("status") == one["status"] and before.get("lastTransitionTime")) or now


def _fitting(one: Json) -> Json:
    """A condition that Kubernetes takes."""
    reason, message = one["reason"], one["message"]
    return {
        **one,
        "reason": reason if REASON.fullmatch(reason) else ANY_REASON,
        "message": message if len(message) <= LONGEST_MESSAGE else message[: LONGEST_MESSAGE - 1] + "…",
    }


def _spelled(reference: Json) -> tuple[tuple[str, Any], ...]:
    """What an entry is about, whatever the order of the fields."""
    return tuple(sorted((name, value) for name, value in reference.items() if value is not None))
