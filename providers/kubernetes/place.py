"""Places: where objects are listed and watched: a kind, in all namespaces or in one, some of its objects or all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from providers.kubernetes.discovery import Served
from providers.kubernetes.settings import Settings
from xds.model import Kind

NAMESPACE: Final = Kind("", "Namespace")

FIELDS: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        Kind("", "ConfigMap"): "metadata.name!=kube-root-ca.crt",  # every namespace has one
        Kind("", "Secret"): (
            "type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token,type!=bootstrap.kubernetes.io/token,"
            "type!=kubernetes.io/dockerconfigjson,type!=kubernetes.io/dockercfg"
        ),
    }
)
"""What is read of a kind, by its fields; no gateway needs the others, and there may be many, and secret."""


@dataclass(frozen=True, slots=True)
class Place:
    """What one list and one watch are about."""

    served: Served
    namespace: str = ""
    fields: str = ""
    labels: str = ""

    def __str__(self) -> str:
        return self.served.resource + (f" in the namespace {self.namespace}" if self.namespace else "")

    @property
    def path(self) -> str:
        """The path of the list."""
        return self.served.path(self.namespace)

    @property
    def address(self) -> str:
        """What tells it from every other place."""
        return "?".join(filter(None, (self.path, self.fields or self.labels)))

    @property
    def query(self) -> dict[str, str]:
        """The selectors."""
        chosen = {"fieldSelector": self.fields, "labelSelector": self.labels}
        return {name: value for name, value in chosen.items() if value}


def places(served: Iterable[Served], settings: Settings, selected: Collection[str]) -> set[Place]:
    """All places to follow for these kinds. `selected` are the namespaces that the selector is known to match."""
    scoped = settings.namespaces or settings.namespace_selector
    return {place for one in served for place in (_scoped(one, settings, selected) if scoped else [_whole(one)])}


def _whole(one: Served) -> Place:
    return Place(one, fields=FIELDS.get(one.kind, ""))


def _scoped(one: Served, settings: Settings, selected: Collection[str]) -> Iterator[Place]:
    if one.namespaced:
        fields = FIELDS.get(one.kind, "")
        yield from (Place(one, name, fields) for name in settings.namespaces or selected)
    elif one.kind != NAMESPACE:
        yield _whole(one)
    elif settings.namespace_selector:
        yield Place(one, labels=settings.namespace_selector)
    else:
        yield from (Place(one, fields=f"metadata.name={name}") for name in settings.namespaces)
