"""Events: what a provider says."""

from __future__ import annotations

from dataclasses import dataclass

from xds.model.key import Key
from xds.model.object import Object
from xds.model.status import Diagnostic


@dataclass(frozen=True, slots=True)
class Put:
    """This object exists, as given; it takes the place of the one with the same key."""

    object: Object


@dataclass(frozen=True, slots=True)
class Delete:
    """The object with this key is gone."""

    key: Key


@dataclass(frozen=True, slots=True)
class Listed:
    """Everything that existed at the start has been said. Said once, after the first full pass."""


@dataclass(frozen=True, slots=True)
class Report:
    """What is wrong at one place (a file, an endpoint) that is no object's own fault: unreadable, unparsable, doubled.

    Takes the place of the last report on `place`; an empty one takes it back. Objects said before stay.
    """

    place: str
    diagnostics: tuple[Diagnostic, ...] = ()


Event = Put | Delete | Listed | Report
