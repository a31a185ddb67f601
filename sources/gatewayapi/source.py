"""The source: Gateway API's language as a plug-in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from sources.gatewayapi.known import INDEXES, Known
from sources.gatewayapi.refusal import Refusals
from sources.gatewayapi.schema import SCHEMAS, check, decode
from sources.gatewayapi.settings import Settings as GatewayApiSettings
from sources.gatewayapi.translation import STATUSES, translation
from sources.graph import Graph
from xds.model import Condition, ConfigError, Diagnostic, Key, Object, Objects, Status, Translation


class GatewayApi:
    """Gateway API v1 to Envoy: a node group for each Gateway, a status for each object.

    It keeps what it derived from the objects of the last call, so a change costs what it touches. An object that does
    not pass `check` counts as absent, and says so in the diagnostics.
    """

    Settings: ClassVar = GatewayApiSettings
    kinds = frozenset(SCHEMAS)
    reported = frozenset(STATUSES)
    definitions = ()

    def __init__(self, settings: GatewayApiSettings) -> None:
        self._graph = Graph(INDEXES)
        self._graph.change(GatewayApiSettings, settings)
        self._refusals = Refusals(settings)
        self._objects = Objects()
        self._flaws: dict[Key, tuple[Diagnostic, ...]] = {}

    def check(self, one: Object) -> Sequence[Diagnostic]:
        """Everything that is wrong with an object on its own."""
        return check(one)

    def translate(self, objects: Objects) -> Translation:
        """The snapshots and statuses of these objects. What did not change is the identical object."""
        for key in objects.changed_since(self._objects):
            if key.kind in self.kinds:
                self._change(key, objects.get(key))
        self._objects = objects
        found = self._graph.get(translation, None)
        self._graph.sweep()
        self._refusals = replace(self._refusals, objects=objects, statuses=found.statuses)
        flaws = tuple(one for key in sorted(self._flaws, key=str) for one in self._flaws[key])
        return replace(found, diagnostics=flaws + found.diagnostics) if flaws else found

    def refuse(self, one: Object, condition: Condition, last: Status) -> Status:
        """The status of an object that is wrong on its own."""
        return self._refusals.tell(one, condition, last)

    def _change(self, key: Key, one: Object | None) -> None:
        self._flaws.pop(key, None)
        try:
            known = None if one is None else Known(one, decode(one))
        except ConfigError:
            assert one is not None
            known, self._flaws[key] = None, tuple(check(one))
        self._graph.change(key, known)
