"""Sheets: what one EnvoyResources object says, as resources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from xds.codec import decode, from_json, message_class, resource, section
from xds.codec.document import locate
from xds.model import ConfigError, Diagnostic, Key, Kind, Object, Reference, Resource
from xds.model.type_url import PREFIX, short_type

ENVOY_RESOURCES: Final = Kind("legation.dev", "EnvoyResources", "v1alpha1")

WRAPPER: Final = PREFIX + "envoy.service.discovery.v3.Resource"
"""What a resource may stand in that has no name of its own, other names too, or a TTL."""

GroupName = Annotated[str, Meta(min_length=1)]


class Spec(Struct, frozen=True, forbid_unknown_fields=True):
    """`groups` are the node groups that are served the resources: a proxy is in the group that its node's cluster names.
    `resources` are messages as JSON, each with its `@type`; a WRAPPER around one says more of it.
    """

    groups: Annotated[tuple[GroupName, ...], Meta(min_length=1)]
    resources: tuple[dict[str, Any], ...]


class Document(Struct, frozen=True):
    """The part of the object that is read."""

    spec: Spec


@dataclass(frozen=True, slots=True)
class Sheet:
    """One object, read: its node groups, and its resources. Two are equal when their objects are."""

    object: Object
    groups: frozenset[str] = field(compare=False)
    resources: Mapping[Reference, Resource] = field(compare=False, repr=False)
    places: Mapping[Reference, str] = field(compare=False, repr=False)
    """Where each resource stands in the document: `spec.resources[0]`."""

    @property
    def key(self) -> Key:
        """The object's key."""
        return self.object.key

    @property
    def age(self) -> tuple[str, str, str]:
        """Sorts older before newer, and those of one age by namespace and name."""
        return self.object.created, self.key.namespace, self.key.name


def read(one: Object) -> tuple[Sheet | None, list[Diagnostic]]:
    """(sheet, everything that is wrong with the object on its own); there is no sheet when anything is."""
    try:
        spec = section.read(_checked(one), Document).spec
    except ConfigError as error:
        return None, [_diagnostic(one, error)]
    resources: dict[Reference, Resource] = {}
    places: dict[Reference, str] = {}
    flaws: list[Diagnostic] = []
    for index, body in enumerate(spec.resources):
        place = f"spec.resources[{index}]"
        try:
            made = _resource(body, place, one.key)
            _must_be_new(made, place, places)
        except ConfigError as error:
            flaws.append(_diagnostic(one, error))
        else:
            resources[made.reference], places[made.reference] = made, place
    if flaws:
        return None, flaws
    return Sheet(one, frozenset(spec.groups), MappingProxyType(resources), MappingProxyType(places)), []


def _checked(one: Object) -> Mapping[str, Any]:
    if one.key.kind.version != ENVOY_RESOURCES.version:
        words = f"must be {ENVOY_RESOURCES.api_version}, not {one.key.kind.api_version!r}"
        raise ConfigError(words, field="apiVersion")
    return one.body


def _resource(body: Mapping[str, Any], place: str, author: Key) -> Resource:
    try:
        if isinstance(type_url := body.get("@type"), str):
            _must_be_known(type_url)
        if type_url == WRAPPER:
            return _unwrapped(from_json(body), author)
        return resource(body, authors=(author,))
    except ConfigError as error:
        at = f"{place}.{error.field}" if error.field else place
        raise ConfigError(error.message, field=at, hint=error.hint) from None


def _unwrapped(wrapper: Any, author: Key) -> Resource:
    """What stands in an envoy.service.discovery.v3.Resource, under its name there, with its other names and its TTL."""
    packed = wrapper.resource
    made = resource(decode(packed.type_url, packed.value), name=wrapper.name, authors=(author,))
    ttl = wrapper.ttl.seconds + wrapper.ttl.nanos / 1e9 if wrapper.HasField("ttl") else None
    return replace(made, aliases=(*made.aliases, *wrapper.aliases), ttl=ttl)


def _must_be_known(type_url: str) -> None:
    try:
        message_class(type_url.removeprefix(PREFIX))
    except ConfigError as error:
        raise ConfigError(error.message, field="@type", hint=error.hint) from None


def _must_be_new(made: Resource, place: str, places: Mapping[Reference, str]) -> None:
    if made.reference in places:
        words = f"is another {short_type(made.type_url)} {made.name!r}; {places[made.reference]} has that name, too"
        raise ConfigError(words, field=place, hint="rename or remove one of the two")


def _diagnostic(one: Object, error: ConfigError) -> Diagnostic:
    where = locate(one.origin, error.field) if one.origin else None
    return Diagnostic(error.message, one.key, error.field, where, error.hint)


def types(sheet: Sheet) -> Iterator[str]:
    """What a sheet has, in words: `1 lds`, `2 cds`."""
    listed = [short_type(type_url) for type_url, _ in sheet.resources]
    yield from (f"{listed.count(short)} {short}" for short in dict.fromkeys(listed))
