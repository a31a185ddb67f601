"""The sources that an installation loads: which kinds they read, which statuses they give, which kinds are their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Final

from xds.model import ConfigError, Installable, Kind

SOURCES: Final = "legation.sources"
"""The entry point group of sources."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What sources need of a cluster, together. Those that do not say which statuses they give may give any."""

    read: frozenset[Kind]
    reported: frozenset[Kind]
    definitions: tuple[Mapping[str, Any], ...]


def needs(names: Iterable[str]) -> Needs:
    """What the sources of these names need. Raises ConfigError when one is not installed."""
    loaded = [_source(name) for name in names]
    faces = [one for one in loaded if isinstance(one, Installable)]
    silent = [one for one in loaded if not isinstance(one, Installable)]
    return Needs(
        read=frozenset[Kind]().union(*(one.kinds for one in loaded)),
        reported=frozenset[Kind]().union(*(one.reported for one in faces), *(one.kinds for one in silent)),
        definitions=tuple(definition for one in faces for definition in one.definitions),
    )


def _source(name: str) -> Any:
    for point in entry_points(group=SOURCES, name=name):
        return point.load()
    installed = ", ".join(sorted(entry_points(group=SOURCES).names))
    raise ConfigError(f"there is no source {name!r}", field="--source", hint=f"installed: {installed}")
