"""Messages: from fields, from JSON with `@type`, from other protobuf libraries; and back to JSON for people.

Fields given as a dict go straight to protobuf's C code: that is the fast way, for translation. JSON takes the slow way,
which names the path of every mistake: that is for what people write.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Final, TypeGuard

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from xds.codec import wire
from xds.codec.descriptors import message_class, pool
from xds.codec.reference import references
from xds.model import ConfigError, Key, Node, ProtocolError, Resource, version_of
from xds.model.name import SCHEME, type_in
from xds.model.type_url import EDS, LEDS, PREFIX, VHDS

NAME_FIELD: Final[Mapping[str, str]] = {EDS: "cluster_name", LEDS: ""}
"""The field that names a resource, where it is not `name`; an endpoint alone says nothing of its name."""


def build(full_name: str, fields: Mapping[str, Any]) -> Message:
    """A message from plain data: dicts for messages, lists for repeated fields, strings or numbers for enums.

    Raises ConfigError for a field or an enum value that the type does not have, and for a value of the wrong type.
    """
    try:
        return message_class(full_name)(**fields)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"cannot make a {full_name}: {error}") from None


def pack(full_name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """A message as the fields of a google.protobuf.Any, to stand inside another `build`."""
    body = build(full_name, fields).SerializeToString(deterministic=True)
    return {"type_url": PREFIX + full_name, "value": body}


def type_url_of(message: Message) -> str:
    """The type URL of a message."""
    return PREFIX + message.DESCRIPTOR.full_name


def encode(message: Message) -> bytes:
    """The bytes of a message, equal for equal content within one version of protobuf."""
    return message.SerializeToString(deterministic=True)


def decode(type_url: str, body: bytes) -> Message:
    """The message behind a type URL and its bytes. Raises ConfigError where the bytes are none of its."""
    try:
        return message_class(type_url.removeprefix(PREFIX)).FromString(body)
    except Exception as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"these bytes are no {type_url}: {error}") from None


NODE: Final = "envoy.config.core.v3.Node"
EXTENSIONS: Final = 9
SKIPPED: Final = frozenset({EXTENSIONS})
METADATA: Final = 3
MOST: Final = 256 << 10
"""Bytes of metadata, which takes long to take apart, and of all the rest."""


def decode_node(body: bytes) -> Node:
    """The node of a first message. Its `extensions`, by far the most of it (Envoy sends over 500), are skipped, and so is
    metadata of more than 256 KiB.

    Raises ProtocolError when the bytes are no message at all, or no node, and where the rest is more than 256 KiB.
    """
    fields = wire.fields(body, SKIPPED)
    kept = b"".join(wire.delimited(number, value) for number, value in fields if _is_read(value, number))
    if len(kept) > 2 * MOST:
        raise ProtocolError(f"the node of the first message has {len(kept)} bytes without its extensions")
    try:
        node: Any = message_class(NODE).FromString(kept)
        metadata = json_format.MessageToDict(node.metadata)
    except (DecodeError, ValueError):  # the latter for numbers that JSON has no word for
        raise ProtocolError("the node of the first message cannot be read") from None
    place = node.locality
    release = node.user_agent_build_version.version
    return Node(
        node.id,
        node.cluster,
        node.user_agent_name,
        metadata,
        (place.region, place.zone, place.sub_zone),
        _features(tuple(node.client_features)),
        (release.major_number, release.minor_number),
    )


@lru_cache(maxsize=64)
def _features(listed: tuple[str, ...]) -> frozenset[str]:
    """One set for all clients that are alike."""
    return frozenset(listed)


def _is_read(value: bytes | int, number: int) -> TypeGuard[bytes]:
    """Whether a field of a node is wanted: all that are is text or a message."""
    return isinstance(value, bytes) and number != EXTENSIONS and not (number == METADATA and len(value) > MOST)


def to_json(message: Message) -> dict[str, Any]:
    """A message as people read it: JSON data with Envoy's own field names, every Any unpacked."""
    return json_format.MessageToDict(message, preserving_proto_field_name=True, descriptor_pool=pool())


def resource_to_json(one: Resource) -> dict[str, Any]:
    """A resource as people read it: its message, with `@type` first."""
    return {"@type": one.type_url, **to_json(decode(one.type_url, one.body))}


def from_json(body: Mapping[str, Any]) -> Message:
    """The message that `@type` JSON describes; field names in either spelling (`connect_timeout`, `connectTimeout`).

    Raises ConfigError, with the path, for an unknown field, a wrong enum, a bad Duration and any other wrong value.
    """
    fields = dict(body)
    type_url = fields.pop("@type", None)
    if not isinstance(type_url, str):
        raise ConfigError(
            "is missing", field="@type", hint="for instance type.googleapis.com/envoy.config.cluster.v3.Cluster"
        )
    message = message_class(type_url.removeprefix(PREFIX))()
    try:
        return json_format.ParseDict(fields, message, descriptor_pool=pool())
    except json_format.ParseError as error:
        raise _config_error(str(error)) from None


_OUTER: Final = re.compile(r"Failed to parse (\w+) field: ")
_UNKNOWN: Final = re.compile(r'^Message type "(?P<type>[^"]*)" has no field named "(?P<name>[^"]*)"$')
_PATH: Final = re.compile(r"""\.? at "?(?P<path>[A-Za-z]\w*(?:[.\[][^"\s]*)?)"?\.?(?P<rest>\s|$)""")
_WORDS: Final = (
    (
        re.compile(r'Duration (?:JSON value not a string|must end with letter "s"): (.*)'),
        r"must be a duration such as 5s, not \1",
    ),
    (re.compile(r"repeated field (\w+) must be in \[\] which is (.*)"), r"\1 must be a list, not \2"),
    (re.compile(r"Invalid enum value (\S+) for enum type (.*)"), r"cannot be \1, which is no \2"),
    (re.compile(r"Value out of range: (.*)"), r"cannot be \1: that is out of range"),
    (re.compile(r"invalid literal for int\(\) with base 10: (.*)"), r"must be a whole number, not \1"),
    (re.compile(r"expected string or bytes-like object, got '(.*)'"), r"must be text, not \1"),
    (re.compile(r"unhashable type: '(.*)'"), r"must be a name or a number, not a \1"),
    (re.compile(r"Can not find message descriptor by type_url: (.*)"), r"has an @type that is no message of Envoy: \1"),
    (re.compile(r"Expected true or false without quotes"), "must be true or false"),
)
"""Protobuf's sentences -> ours."""


def _in_words(text: str) -> str:
    return next((pattern.sub(words, text) for pattern, words in _WORDS if pattern.match(text)), text)


def _config_error(text: str) -> ConfigError:
    """Protobuf's sentence as ours: the path as the field, the innermost complaint as the message."""
    text = text.split("\n", maxsplit=1)[0]
    outer = ".".join(_OUTER.findall(text))
    text = _OUTER.sub("", text)
    found = _PATH.search(text)
    if found is None:
        return ConfigError(_in_words(text.rstrip(".")), field=outer)
    path, words = found["path"].rstrip(".").partition(".")[2], text[: found.start()].rstrip(".")
    unknown = _UNKNOWN.match(words)
    return _unknown(path, **unknown.groupdict()) if unknown else ConfigError(_in_words(words), field=path)


def _unknown(path: str, type: str, name: str) -> ConfigError:  # noqa: A002  the word in protobuf's sentence
    """The error for a field that a message does not have, with the nearest one that it has."""
    near = get_close_matches(name, [field.name for field in message_class(type).DESCRIPTOR.fields], n=1)
    hint = f"did you mean {near[0]}?" if near else ""
    return ConfigError(f"is no field of {type}", field=f"{path}.{name}".lstrip("."), hint=hint)


def adopt(message: object) -> Message:
    """The message as one of ours, from `@type` JSON, any protobuf message, or a betterproto2 one.

    Raises ConfigError for anything else.
    """
    if isinstance(message, Mapping):
        return from_json(message)
    if isinstance(message, Message):
        ours = message_class(message.DESCRIPTOR.full_name)
        return message if isinstance(message, ours) else ours.FromString(message.SerializeToString())
    if (full_name := _betterproto_name(message)) is not None:
        return message_class(full_name).FromString(bytes(message))  # type: ignore[call-overload]
    raise ConfigError(f"{type(message).__name__} is no message: give @type JSON, a protobuf or a betterproto2 message")


def _betterproto_name(message: object) -> str | None:
    """The full protobuf name of a betterproto2 message of envoy-data-plane; None for anything else."""
    if not type(message).__module__.startswith("envoy_data_plane."):
        return None
    from envoy_data_plane.message_pool import default_message_pool  # noqa: PLC0415  an optional dependency

    url: str = default_message_pool.type_to_url[type(message)]
    return url.rpartition("/")[2]


def resource(message: object, *, name: str = "", authors: tuple[Key, ...] = (), ttl: float | None = None) -> Resource:
    """One message, encoded once: a Resource. Takes all that `adopt` takes.

    `name` is for what has no name of its own, or another one: endpoints of LEDS, and virtual hosts of VHDS, whose names
    are `<route configuration>/<host>`; of those, all domains are aliases. `ttl` is in seconds: see Resource. Raises
    ConfigError when there is no name, an xdstp one that is not valid or states another type, or a TTL that is no time.
    """
    ours = adopt(message)
    type_url, name = type_url_of(ours), name or own_name(ours)
    if not name:
        field = NAME_FIELD.get(type_url, "name")
        raise ConfigError(f"a {ours.DESCRIPTOR.name} without a name cannot be served", field=field)
    if name.startswith(SCHEME) and type_in(name) != ours.DESCRIPTOR.full_name:
        where = f"xdstp://authority/{ours.DESCRIPTOR.full_name}/path"
        raise ConfigError(f"{name!r} is no name of a {ours.DESCRIPTOR.name}", hint=f"write {where}?key=value")
    body = encode(ours)
    aliases = _hosts(name, ours) if type_url == VHDS else ()
    return Resource(type_url, name, version_of(body), body, references(ours), authors, aliases, ttl)


def own_name(message: Message) -> str:
    """The name that a message of a resource type has in itself; empty where it has none."""
    return getattr(message, NAME_FIELD.get(type_url_of(message), "name"), "")


def _hosts(name: str, virtual_host: Any) -> tuple[str, ...]:
    """What Envoy asks for in VHDS when a request comes for one of the domains: in lower case, always."""
    routes = name.rpartition("/")[0]
    return tuple(f"{routes}/{domain.lower()}" for domain in virtual_host.domains) if routes else ()
