"""A plan: what is to be installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One installation: its name, the namespace it runs in, the image it runs, so many replicas of it, and the name of its
    GatewayClass. It reads the kinds of these sources, in these namespaces; without any, in all.
    """

    name: str
    namespace: str
    version: str
    image: str
    replicas: int
    gateway_class: str
    sources: tuple[str, ...]
    namespaces: tuple[str, ...] = ()

    @property
    def selector(self) -> Mapping[str, str]:
        """The labels that find its pods."""
        return {"app.kubernetes.io/name": "legation", "app.kubernetes.io/instance": self.name}

    def document(self, api_version: str, kind: str, **fields: Any) -> Document:
        """An object of its name in its namespace."""
        return self.named(self.name, api_version, kind, self.namespace, **fields)

    def named(self, name: str, api_version: str, kind: str, namespace: str = "", **fields: Any) -> Document:
        """An object of another name, or in another namespace; empty for a kind that is in none."""
        labels = {**self.selector, "app.kubernetes.io/version": self.version}
        place = {"namespace": namespace} if namespace else {}
        return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **place, "labels": labels}, **fields}
