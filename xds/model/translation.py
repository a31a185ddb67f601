"""Translations: what a source makes of all objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from xds.model.key import Key
from xds.model.node import NodeGroup
from xds.model.resource import Reference
from xds.model.snapshot import Snapshot
from xds.model.status import Diagnostic, Status


@dataclass(frozen=True, slots=True)
class Translation:
    """Snapshots by node group name, the groups themselves, statuses by object, and what else authors should know.

    `places` tells, by object, where resources stand in it that it has as they are: the path of the field.
    """

    snapshots: Mapping[str, Snapshot] = field(default_factory=lambda: MappingProxyType({}))
    groups: Mapping[str, NodeGroup] = field(default_factory=lambda: MappingProxyType({}))
    statuses: Mapping[Key, Status] = field(default_factory=lambda: MappingProxyType({}))
    diagnostics: tuple[Diagnostic, ...] = ()
    places: Mapping[Key, Mapping[Reference, str]] = field(default_factory=lambda: MappingProxyType({}))
