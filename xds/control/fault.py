"""Faults: why a snapshot cannot be served as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

from xds.model import Condition, Diagnostic, Key, Objects, Resource, Severity, Snapshot, Status, Translation, loose_ends

Consistency = Literal["error", "warning", "accept"]
"""What becomes of a snapshot that names what it does not have: it is kept back, it is served and told of, or it is served
(for what is made on demand, and for what another control plane serves).
"""


def faults(group: str, snapshot: Snapshot, translation: Translation) -> Iterator[Diagnostic]:
    """Everything that a node group's snapshot names and does not have: on the object where an author wrote it himself."""
    for one, words in loose_ends(snapshot):
        if written := place(one, translation):
            key, field = written
            yield Diagnostic(f"{words} of {group}", key, field, hint="name what is there, or add it")
        else:
            yield Diagnostic(f"{group}: {words}", hint="this is a fault of a source or a hook")


def told(translation: Translation, found: Iterable[Diagnostic], objects: Objects) -> Translation:
    """The same translation with these faults. The objects at fault are not programmed where that is an error."""
    found = tuple(found)
    flawed = {one.key: one for one in reversed(found) if one.key is not None and one.severity is Severity.ERROR}
    statuses = {key: _not_programmed(translation.statuses.get(key, Status()), one, objects) for key, one in flawed.items()}
    laid = {**translation.statuses, **statuses} if statuses else translation.statuses
    return replace(translation, diagnostics=(*translation.diagnostics, *found), statuses=laid)


def _not_programmed(status: Status, flaw: Diagnostic, objects: Objects) -> Status:
    about = objects.get(flaw.key) if flaw.key else None
    generation = about.generation if about else 1
    others = tuple(one for one in status.conditions if one.type != "Programmed")
    return replace(
        status, conditions=(*others, Condition("Programmed", False, "Invalid", flaw.message, generation, flaw.field))
    )


def place(one: Resource, translation: Translation) -> tuple[Key, str] | None:
    """Where a resource stands as it is: (object, path of the field); None where it is made out of something else."""
    for key in one.authors:
        if field := translation.places.get(key, {}).get(one.reference):
            return key, field
    return None
