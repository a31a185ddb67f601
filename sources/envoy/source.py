"""The source: Envoy's own resources as a plug-in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sources.envoy.definition import DEFINITION
from sources.envoy.sheet import ENVOY_RESOURCES, read
from sources.envoy.translation import INDEXES, translation
from sources.graph import Graph
from xds.model import Diagnostic, Key, Object, Objects, Translation


class Envoy:
    """EnvoyResources as they are: each object names node groups and lists the messages that their proxies are served.

    Where two objects give one node group a resource of the same type and name, the older one counts. It keeps what it
    derived from the objects of the last call, so a change costs what it touches.
    """

    kinds = frozenset({ENVOY_RESOURCES})
    reported = kinds
    definitions = (DEFINITION,)

    def __init__(self) -> None:
        self._graph = Graph(INDEXES)
        self._objects = Objects()
        self._flaws: dict[Key, list[Diagnostic]] = {}

    def check(self, one: Object) -> Sequence[Diagnostic]:
        """Everything that is wrong with an object on its own."""
        return read(one)[1]

    def translate(self, objects: Objects) -> Translation:
        """The snapshots and statuses of these objects. What did not change is the identical object."""
        for key in objects.changed_since(self._objects):
            if key.kind in self.kinds:
                self._change(key, objects.get(key))
        self._objects = objects
        found = self._graph.get(translation, None)
        self._graph.sweep()
        flaws = tuple(one for key in sorted(self._flaws, key=str) for one in self._flaws[key])
        return replace(found, diagnostics=flaws + found.diagnostics) if flaws else found

    def _change(self, key: Key, one: Object | None) -> None:
        self._flaws.pop(key, None)
        sheet, flaws = read(one) if one is not None else (None, [])
        self._graph.change(key, sheet)
        if flaws:
            self._flaws[key] = flaws
