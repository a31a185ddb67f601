"""Documents: what all kinds have in common.

The structs of this package mirror the documents of Kubernetes: `backendRefs` is the attribute `backend_refs`, a list is
a tuple, and what the API fills in when it is absent is filled in.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from sources.gatewayapi.schema.scalar import Label, Name


class Strict(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A part of a document of which every field is known: any other is a mistake."""


class Loose(Struct, frozen=True, rename="camel"):
    """A part of a document of which only some fields matter here."""


class Metadata(Loose, frozen=True):
    """Who the object is. The namespace may be absent; `Object.key` has it filled in."""

    name: Name
    namespace: Label | None = None
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)


class Document(Strict, frozen=True, kw_only=True):
    """A whole document of one of the gateway's own kinds. `status` is what others said of it, and is never read."""

    api_version: str
    kind: str
    metadata: Metadata
    status: Any = None


class CoreDocument(Loose, frozen=True, kw_only=True):
    """A whole document of one of Kubernetes' own kinds, which have many more fields than a gateway reads."""

    metadata: Metadata
