"""Long parts of requests, read by the library: thousands of names, and of versions by name."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.message import DecodeError

from xds.codec.descriptors import message_class
from xds.model import ProtocolError

DELTA: Final = "envoy.service.discovery.v3.DeltaDiscoveryRequest"
NAMES: Final = {3: "resource_names_subscribe", 4: "resource_names_unsubscribe"}


def read_names(run: bytes, number: int = 3) -> list[str]:
    """The strings of one repeated field, from its encoded entries: 3 of a request in either dialect, or 4 in delta.

    Raises ProtocolError when one is no UTF-8 text.
    """
    return list(getattr(_read(run), NAMES[number]))


def read_versions(run: bytes) -> dict[str, str]:
    """The versions by name of a delta request's `initial_resource_versions`, from its encoded entries.

    Raises ProtocolError when they are none.
    """
    versions = _read(run).initial_resource_versions
    return {name: versions[name] for name in versions}


def _read(run: bytes) -> Any:
    try:
        return message_class(DELTA).FromString(run)
    except DecodeError:
        raise ProtocolError("the names in the request cannot be read") from None
