"""References: how one object names another."""

from __future__ import annotations

from typing import Final

from sources.gatewayapi.schema.document import Strict
from sources.gatewayapi.schema.scalar import Group, KindName, Label, Name, Port, Weight

GATEWAY_GROUP: Final = "gateway.networking.k8s.io"


class ParentRef(Strict, frozen=True):
    """The Gateway (or one listener of it) that a route wants to be attached to."""

    name: Name
    group: Group = GATEWAY_GROUP
    kind: KindName = "Gateway"
    namespace: Label | None = None
    section_name: Name | None = None
    port: Port | None = None


class LocalRef(Strict, frozen=True):
    """An object of the same namespace."""

    group: Group
    kind: KindName
    name: Name


class SecretRef(Strict, frozen=True):
    """A Secret, or another object with a certificate in it."""

    name: Name
    group: Group = ""
    kind: KindName = "Secret"
    namespace: Label | None = None


class ObjectRef(Strict, frozen=True):
    """Any object, possibly of another namespace."""

    group: Group
    kind: KindName
    name: Name
    namespace: Label | None = None


class BackendRef(Strict, frozen=True):
    """Something that requests can be sent to: a Service and its port, or a Backend."""

    name: Name
    group: Group = ""
    kind: KindName = "Service"
    namespace: Label | None = None
    port: Port | None = None


class WeightedRef(BackendRef, frozen=True):
    """A backend and its share of the requests, in proportion to the weights of its neighbours."""

    weight: Weight = 1
