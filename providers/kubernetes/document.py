"""Documents: what the API server writes, read no further than is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec

from providers.kubernetes.discovery import Served
from xds.model import Key, Object

KEPT: Final = ("name", "namespace", "labels", "annotations", "creationTimestamp")
"""What stays of `metadata`; the rest is about how an object came to be, not about what it says."""
NOISE: Final = frozenset(
    {"kubectl.kubernetes.io/last-applied-configuration", "endpoints.kubernetes.io/last-change-trigger-time"}
)
"""Annotations that repeat the object, or change although it says the same."""


class Metadata(msgspec.Struct, rename="camel", frozen=True):
    """What tells an object and its state from others."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 1


class Head(msgspec.Struct, frozen=True):
    """An object without what it says. `status` is its JSON, empty where it has none."""

    metadata: Metadata
    status: msgspec.Raw = msgspec.Raw()

    def key(self, served: Served) -> Key:
        """The key of the object, one of this kind."""
        return Key(served.kind, self.metadata.namespace, self.metadata.name)


class ListMetadata(msgspec.Struct, rename={"resource_version": "resourceVersion", "token": "continue"}, frozen=True):
    """The state that a list shows, and what to ask with for its next page; empty for the last one."""

    resource_version: str = ""
    token: str = ""


class Page(msgspec.Struct, frozen=True):
    """One page of a list, its objects unread."""

    metadata: ListMetadata
    items: Sequence[msgspec.Raw] = ()


class Line(msgspec.Struct, frozen=True):
    """One event of a watch, its object unread: ADDED, MODIFIED, DELETED, BOOKMARK or ERROR."""

    type: str
    object: msgspec.Raw


read_head: Final = msgspec.json.Decoder(Head).decode
read_page: Final = msgspec.json.Decoder(Page).decode
read_line: Final = msgspec.json.Decoder(Line).decode
_read_document: Final = msgspec.json.Decoder(dict[str, Any]).decode
_encode: Final = msgspec.json.Encoder(order="sorted").encode


def read_object(raw: msgspec.Raw, head: Head, served: Served) -> Object:
    """The object, with what it says and nothing else: the same digest whenever it says the same."""
    body = _read_document(raw)
    body.pop("status", None)
    body["apiVersion"], body["kind"] = served.api_version, served.kind.name  # the items of lists lack them
    body["metadata"] = _metadata(body["metadata"])
    digest = blake2b(_encode(body), digest_size=16).digest()
    return Object(head.key(served), body, digest, head.metadata.generation)


def _metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: metadata[name] for name in KEPT if name in metadata}
    if annotations := kept.get("annotations"):
        kept["annotations"] = {name: value for name, value in annotations.items() if name not in NOISE}
    return kept
