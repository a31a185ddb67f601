"""Names that many clients ask for: one set for all of them."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Final
from weakref import WeakValueDictionary

NONE: Final[frozenset[str]] = frozenset()
FEW: Final = 8
"""So many names are not worth looking for."""

_known: Final[WeakValueDictionary[int, frozenset[str]]] = WeakValueDictionary()


def interned(names: AbstractSet[str]) -> frozenset[str]:
    """An equal set: the same object for the same names, as long as somebody has it, where there are more than a few."""
    made = frozenset(names)
    if len(made) < FEW:
        return made or NONE
    known = _known.setdefault(hash(made), made)
    return known if known == made else made
