"""Secrets, kept out of what people are shown.

Envoy marks the fields that hold them (private keys, passwords, session ticket keys, …) in its own definitions, so there
is no list of them here to fall behind. https://github.com/cncf/xds/blob/main/udpa/annotations/sensitive.proto
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor import FieldDescriptor

from xds.codec import wire
from xds.codec.descriptors import message_class
from xds.codec.message import decode, encode
from xds.model import ConfigError
from xds.model.type_url import PREFIX

REDACTED: Final = "[redacted]"
BLANKS: Final = {FieldDescriptor.TYPE_STRING: REDACTED, FieldDescriptor.TYPE_BYTES: REDACTED.encode()}
_SENSITIVE: Final = 76569463
"""The number of the option `udpa.annotations.sensitive`."""


def redact(body: Mapping[str, Any]) -> dict[str, Any]:
    """The same `@type` JSON with every sensitive value replaced by `[redacted]`, however deep inside it."""
    return _message(body, None)


def redacted(message: Any) -> Any:
    """A copy of a message with every sensitive value replaced by `[redacted]`, however deep inside it; what is packed in it
    and cannot be read is emptied.
    """
    copy = type(message)()
    copy.CopyFrom(message)
    _cover(copy)
    return copy


def _cover(message: Any) -> None:
    if message.DESCRIPTOR.full_name == AnyMessage.DESCRIPTOR.full_name:
        _cover_packed(message)
        return
    for field, value in message.ListFields():
        if _is_sensitive(field):
            _blot(message, field)
        elif field.message_type is not None:
            for one in _messages_in(field, value):
                _cover(one)


def _cover_packed(packed: Any) -> None:
    try:
        inner = decode(packed.type_url, packed.value)
    except ConfigError:
        packed.ClearField("value")
        return
    _cover(inner)
    packed.value = encode(inner)


def _messages_in(field: Any, value: Any) -> Iterable[Any]:
    if field.message_type.GetOptions().map_entry:
        of_messages = field.message_type.fields_by_name["value"].message_type is not None
        return value.values() if of_messages else ()
    return value if field.is_repeated else (value,)


def _blot(message: Any, field: Any) -> None:
    """Text says that it was redacted; a message stays, with every text in it saying so; the rest is taken out."""
    value = getattr(message, field.name)
    if field.message_type is not None:
        for one in _messages_in(field, value):
            for inner, _ in one.ListFields():
                _blot(one, inner)
    elif field.is_repeated or field.type not in BLANKS:
        message.ClearField(field.name)
    else:
        setattr(message, field.name, BLANKS[field.type])


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
