"""Contents: what one place (a file, a directory) says, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from xds.model import Diagnostic, Key, Object, Origin


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a place, and the objects it may be about.

    What the place said of those before stays in force as long as the fault lasts. None stands for every object of the
    place: of a document that cannot be read nobody knows which object it was.
    """

    diagnostic: Diagnostic
    holds: frozenset[Key] | None = None

    def may_be_about(self, key: Key) -> bool:
        """Whether this is one of those objects."""
        return self.holds is None or key in self.holds

    def moved(self, lines: int) -> Fault:
        """The same fault, so many lines further down."""
        return replace(self, diagnostic=replace(self.diagnostic, origin=_moved(self.diagnostic.origin, lines)))


@dataclass(frozen=True, slots=True)
class Contents:
    """Every object of a place in the order of its lines, and every fault.

    `cut` says that the text ends in the middle of a line, as one does that is still being written.
    """

    objects: tuple[Object, ...] = ()
    faults: tuple[Fault, ...] = ()
    cut: bool = False

    def holds(self, key: Key) -> bool:
        """Whether one of the faults may be about this object."""
        return any(fault.may_be_about(key) for fault in self.faults)

    def moved(self, lines: int) -> Contents:
        """The same contents, so many lines further down."""
        if not lines:
            return self
        objects = tuple(replace(one, origin=_moved(one.origin, lines)) for one in self.objects)
        return replace(self, objects=objects, faults=tuple(fault.moved(lines) for fault in self.faults))


def joined(parts: Iterable[Contents], *, cut: bool) -> Contents:
    """The contents of a whole file from those of its documents."""
    listed = list(parts)
    return Contents(
        tuple(one for part in listed for one in part.objects),
        tuple(fault for part in listed for fault in part.faults),
        cut,
    )


def _moved(origin: Origin | None, lines: int) -> Origin | None:
    return origin and replace(origin, line=origin.line + lines)


NOTHING: Final = Contents()
"""What a place says that does not exist."""
