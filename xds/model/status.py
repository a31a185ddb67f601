"""What we tell the author of an object: conditions, statuses, diagnostics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from xds.model.key import Key
from xds.model.object import Origin

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})

ABNORMAL: Final = frozenset({"Conflicted", "OverlappingTLSConfig", "PartiallyInvalid", "RouteRulesOverlap"})
"""Types of conditions that tell of trouble when they hold; every other one does when it does not hold."""

CONSEQUENCES: Final = frozenset({("Accepted", "ListenersNotValid"), ("Programmed", "Invalid")})
"""(type, reason) of the conditions that tell of trouble only because another one of the same object does."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One observed aspect of an object, as Kubernetes has it (without times: only a writer knows those).

    `field` is the path of what it is about in the object's document (`spec.listeners[0]`); empty for the whole.
    """

    type: str
    status: bool
    reason: str
    message: str = ""
    observed_generation: int = 1
    field: str = ""

    @property
    def well(self) -> bool:
        """Whether the object is, in this aspect, as its author wants it."""
        return self.status is not (self.type in ABNORMAL)

    def to_json(self) -> dict[str, Any]:
        """The condition as it stands in a Kubernetes status, without `lastTransitionTime`."""
        return {
            "type": self.type,
            "status": str(self.status),
            "reason": self.reason,
            "message": self.message,
            "observedGeneration": self.observed_generation,
        }


@dataclass(frozen=True, slots=True)
class Part:
    """The conditions of one part of an object: a listener of a Gateway, a parent of a route.

    `section` is the field of the status the part is an entry of (`listeners`, `parents`), `name` what a person calls it,
    `identity` the fields that say which part it is, followed by any others it shows. `group` is the node group that it is
    about, where it is about one alone.
    """

    section: str
    name: str
    conditions: tuple[Condition, ...]
    identity: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    group: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """The status of one object. `fields` are the other entries of its Kubernetes status (addresses, …);
    `summary` is one line for people: what this object does, now. `well` says that no condition tells of trouble.
    """

    conditions: tuple[Condition, ...] = ()
    parts: tuple[Part, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    summary: str = ""
    well: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        # Known from the start: of thousands of statuses, those with trouble are looked for after every change.
        object.__setattr__(self, "well", not any(self.failing()))

    def saying(self, condition: Condition) -> Status:
        """The same status with a condition first, in the place of any of its type."""
        return replace(self, conditions=(condition, *(one for one in self.conditions if one.type != condition.type)))

    def failing(self) -> Iterator[tuple[str, Condition]]:
        """The conditions that tell of trouble, each with its part (`listener http`; empty for the object as a whole)."""
        yield from (("", one) for one in self.conditions if not one.well)
        for part in self.parts:
            whose = f"{part.section.removesuffix('s')} {part.name}"
            yield from ((whose, one) for one in part.conditions if not one.well)

    def causes(self) -> Iterator[tuple[str, Condition]]:
        """Those of `failing` that say something of their own: each message once, no consequence beside its cause."""
        failing = list(self.failing())
        causes = [(whose, one) for whose, one in failing if (one.type, one.reason) not in CONSEQUENCES]
        said: set[str] = set()
        for whose, one in causes or failing:
            if not one.message or one.message not in said:
                yield whose, one
            said.add(one.message)

    def to_json(self) -> dict[str, Any]:
        """The status as Kubernetes writes it, without times."""
        body: dict[str, Any] = dict(self.fields)
        if self.conditions:
            body["conditions"] = [one.to_json() for one in self.conditions]
        for part in self.parts:
            entry = {**part.identity, "conditions": [one.to_json() for one in part.conditions]}
            body.setdefault(part.section, []).append(entry)
        return body


class Severity(StrEnum):
    """How much a diagnostic weighs: an ERROR means that something written is not in force."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing an author should know: whose fault (`key`), where (`origin`, `field`), what, and what to do (`hint`)."""

    message: str
    key: Key | None = None
    field: str = ""
    origin: Origin | None = None
    hint: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        where = f"{self.origin}: " if self.origin else ""
        who = f"{self.key}: " if self.key else ""
        what = f"{self.field} {self.message}" if self.field else self.message
        return where + who + what + (f"\n    {self.hint}" if self.hint else "")
