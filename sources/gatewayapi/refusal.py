"""Refusals: where on an object that is wrong on its own its author is told so.

Such an object is known by its JSON alone, which may be anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import msgspec

from sources.gatewayapi.kind import GATEWAY, GATEWAY_CLASS, HTTP_ROUTE
from sources.gatewayapi.known import gateway_of
from sources.gatewayapi.schema.reference import ParentRef
from sources.gatewayapi.settings import Settings
from sources.gatewayapi.status import parent_part
from xds.model import Condition, Key, Object, Objects, Part, Status


@dataclass(frozen=True, slots=True)
class Refusals:
    """Tells of refused objects, beside the objects that are in force and their statuses: what has one is ours."""

    settings: Settings
    objects: Objects = field(default_factory=Objects)
    statuses: Mapping[Key, Status] = field(default_factory=lambda: MappingProxyType({}))

    def tell(self, one: Object, condition: Condition, last: Status) -> Status:
        """The status of a refused object, given that of its last good version.

        A route is told under every Gateway of ours that it names. What is not ours is told nothing.
        """
        if one.key.kind == HTTP_ROUTE:
            parts = tuple(self._parts(one, condition))
            return Status((), parts, summary=condition.message) if parts else Status()
        return last.saying(condition) if self._is_ours(one) else Status()

    def _parts(self, one: Object, condition: Condition) -> Iterator[Part]:
        for ref in _parent_refs(one):
            key = gateway_of(ref, one.key.namespace)
            if key is not None and key in self.statuses:
                yield parent_part(ref, key, (condition,), self.settings.controller_name)

    def _is_ours(self, one: Object) -> bool:
        if one.key.kind == GATEWAY_CLASS:
            return _spec(one).get("controllerName") == self.settings.controller_name
        if one.key.kind == GATEWAY:
            named = Key(GATEWAY_CLASS, "", str(_spec(one).get("gatewayClassName")))
            return named in self.statuses or not self.objects.of_kind(GATEWAY_CLASS)
        return True


def _parent_refs(one: Object) -> Iterator[ParentRef]:
    """Those of the parentRefs that can be read."""
    written = _spec(one).get("parentRefs")
    for entry in written if isinstance(written, list) else ():
        try:
            yield msgspec.convert(entry, ParentRef)
        except msgspec.ValidationError:
            continue


def _spec(one: Object) -> Mapping[str, Any]:
    spec = one.body.get("spec")
    return spec if isinstance(spec, Mapping) else {}
