"""Keys: what names an object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """What an object is: (group, version, kind), as Kubernetes says it.

    Two kinds are equal when group and name are: `v1` and `v1beta1` of HTTPRoute are one kind, as in Kubernetes, where
    both are views of the same stored object.
    """

    group: str
    name: str
    version: str = field(default="v1", compare=False)

    def __hash__(self) -> int:
        """The hash of the name alone: names rarely clash, and keys are hashed more often than anything else."""
        return hash(self.name)

    @classmethod
    def parse(cls, api_version: str, name: str) -> Kind:
        """From `apiVersion` and `kind`: `gateway.networking.k8s.io/v1` + `HTTPRoute`, or `v1` + `Service`."""
        group, _, version = api_version.rpartition("/")
        return cls(group, name, version)

    @property
    def api_version(self) -> str:
        """`group/version`, or the version alone for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def __str__(self) -> str:
        return self.name


class Key(NamedTuple):
    """The identity of an object among all objects. `namespace` is empty for cluster-scoped kinds."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        path = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind.name} {path}"


CLUSTER_SCOPED: Final = frozenset(
    {
        Kind("", "Namespace"),
        Kind("gateway.networking.k8s.io", "GatewayClass"),
        Kind("apiextensions.k8s.io", "CustomResourceDefinition"),
    },
)
"""Kinds whose objects live in no namespace."""
