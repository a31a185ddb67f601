"""ReferenceGrant: who may refer to what across namespaces."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from sources.gatewayapi.schema.document import Document, Strict
from sources.gatewayapi.schema.scalar import Group, KindName, Label, Name


class GrantFrom(Strict, frozen=True):
    """Objects that may refer."""

    group: Group
    kind: KindName
    namespace: Label


class GrantTo(Strict, frozen=True):
    """Objects of the grant's own namespace that may be referred to. No name: all of the kind."""

    group: Group
    kind: KindName
    name: Name | None = None


class ReferenceGrantSpec(Strict, frozen=True):
    """Each of `from_` may refer to each of `to`."""

    from_: Annotated[tuple[GrantFrom, ...], Meta(min_length=1, max_length=16)] = field(name="from")
    to: Annotated[tuple[GrantTo, ...], Meta(min_length=1, max_length=16)]


class ReferenceGrant(Document, frozen=True):
    """gateway.networking.k8s.io ReferenceGrant."""

    spec: ReferenceGrantSpec
