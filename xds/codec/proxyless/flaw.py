"""Flaws: what gRPC would refuse of a message, or pass over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from google.protobuf.message import DecodeError

from xds.codec.descriptors import message_class
from xds.model import ConfigError, Severity
from xds.model.type_url import PREFIX

TYPED_STRUCTS: Final = frozenset({"xds.type.v3.TypedStruct", "udpa.type.v1.TypedStruct"})


class Flaw(NamedTuple):
    """One of them: the path of the field, and what is wrong with it. An ERROR is refused, a WARNING passed over."""

    field: str
    message: str
    severity: Severity = Severity.ERROR


def passed_over(field: str, message: str) -> Flaw:
    """A flaw that does not lead to a refusal: gRPC goes on as if what has it were not there."""
    return Flaw(field, message, Severity.WARNING)


def unpacked(packed: Any) -> tuple[str, Any]:
    """(full name, message) of a google.protobuf.Any; None for the message where it cannot be read."""
    full_name: str = packed.type_url.removeprefix(PREFIX)
    try:
        message: Any = message_class(full_name).FromString(packed.value)
    except (ConfigError, DecodeError):
        return full_name, None
    if full_name in TYPED_STRUCTS:
        return message.type_url.rpartition("/")[2], None
    return full_name, message


def source_flaw(source: Any, field: str) -> Iterator[Flaw]:
    """What gRPC has comes from one stream: no other source of configuration is known to it."""
    if source.WhichOneof("config_source_specifier") not in ("ads", "self"):
        yield Flaw(field, "must be ads or self")


def last_word(full_name: str) -> str:
    """`Router` for `envoy.extensions.filters.http.router.v3.Router`."""
    return full_name.rpartition(".")[2] or "nothing"
