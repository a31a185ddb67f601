"""Secrets, kept out of what people are shown.

Envoy marks the fields that hold them (private keys, passwords, session ticket keys, …) in its own definitions, so there
is no list of them here to fall behind. https://github.com/cncf/xds/blob/main/udpa/annotations/sensitive.proto
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from xds.codec import wire
from xds.codec.descriptors import message_class
from xds.model.type_url import PREFIX

REDACTED: Final = "[redacted]"
_SENSITIVE: Final = 76569463
"""The number of the option `udpa.annotations.sensitive`."""


def redact(body: Mapping[str, Any]) -> dict[str, Any]:
    """The same `@type` JSON with every sensitive value replaced by `[redacted]`, however deep inside it."""
    return _message(body, None)


def _message(body: Mapping[str, Any], descriptor: Any) -> dict[str, Any]:
    if "@type" in body:
        descriptor = message_class(body["@type"].removeprefix(PREFIX)).DESCRIPTOR
    return {name: _field(value, descriptor.fields_by_name.get(name)) for name, value in body.items()}


def _field(value: Any, field: Any) -> Any:
    if field is None or (field.message_type is None and not _is_sensitive(field)):
        return value
    if _is_sensitive(field):
        return _hidden(value)
    if field.message_type.GetOptions().map_entry:
        inner = field.message_type.fields_by_name["value"]
        return {key: _field(entry, inner) for key, entry in value.items()}
    if isinstance(value, list):
        return [_entry(entry, field.message_type) for entry in value]
    return _entry(value, field.message_type)


def _entry(value: Any, descriptor: Any) -> Any:
    return _message(value, descriptor) if isinstance(value, Mapping) else value


@cache
def _is_sensitive(field: Any) -> bool:
    options = field.GetOptions().SerializeToString()
    return any(number == _SENSITIVE and value for number, value in wire.fields(options))


def _hidden(value: Any) -> Any:
    """The same shape, with nothing in it."""
    if isinstance(value, Mapping):
        return {name: _hidden(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_hidden(entry) for entry in value]
    return REDACTED
