"""References: the resources that a message names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, Final, TypeAlias

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from xds.codec.descriptors import message_class
from xds.model import ConfigError, Reference
from xds.model.name import canonical
from xds.model.type_url import CDS, ECDS, EDS, LEDS, PREFIX, RDS, SDS, VHDS

Named: TypeAlias = Callable[[Any], Iterable[Reference]]
"""The references that a message makes by itself."""
Ways: TypeAlias = Mapping[int, Callable[[Any], Iterable[Any]]]
"""Number of a field -> the messages in its value."""


def references(message: Message) -> frozenset[Reference]:
    """Every resource that a message names and expects from the same ADS stream, however deep inside it."""
    found: list[Reference] = []
    _gather(message, found)
    return frozenset((type_url, canonical(name)) for type_url, name in found)


def _gather(message: Any, found: list[Reference]) -> None:
    """Adds what a message names. Of its fields only those are looked into that can lead to a name: most cannot."""
    named, ways = _looks(message.DESCRIPTOR)
    if named is not None:
        found += named(message)
    if ways:
        for field, value in message.ListFields():
            if (inside := ways.get(field.number)) is not None:
                for one in inside(value):
                    _gather(one, found)


@cache
def _looks(descriptor: Descriptor) -> tuple[Named | None, Ways]:
    """How a message of a type names resources, and its fields that can lead to others that do, by number."""
    ways = {field.number: _inside(field) for field in descriptor.fields if (held := _held(field)) and _leads(held)}
    return NAMED.get(descriptor.full_name), ways


def _inside(field: FieldDescriptor) -> Callable[[Any], Iterable[Any]]:
    if _is_map(field):
        return lambda value: value.values()
    return iter if field.is_repeated else lambda value: (value,)


def _held(field: FieldDescriptor) -> Descriptor | None:
    """The type of the messages in a field; None where it holds none."""
    held = field.message_type
    return held.fields_by_name["value"].message_type if held and _is_map(field) else held


def _is_map(field: FieldDescriptor) -> bool:
    return bool(field.message_type and field.message_type.GetOptions().map_entry)


@cache
def _leads(descriptor: Descriptor) -> bool:
    """Whether a message of a type, or anything inside it, can name a resource."""
    waiting, known = [descriptor], {descriptor}
    while waiting:
        one = waiting.pop()
        if one.full_name in NAMED:
            return True
        new = {held for field in one.fields if (held := _held(field))} - known
        known |= new
        waiting += new
    return False


def _packed(message: Any) -> list[Reference]:
    found: list[Reference] = []
    if (kind := _kind(message.type_url)) is not None:
        _gather(kind.FromString(message.value), found)
    return found


@lru_cache(1024)
def _kind(type_url: str) -> type[Message] | None:
    """The class behind a type URL, where it is known and can name anything."""
    try:
        kind = message_class(type_url.removeprefix(PREFIX))
    except ConfigError:
        return None
    return kind if _leads(kind.DESCRIPTOR) else None


def _cluster(message: Any) -> Iterator[Reference]:
    if message.type == message.EDS and _from_ads(message.eds_cluster_config.eds_config):
        yield EDS, message.eds_cluster_config.service_name or message.name


def _rds(message: Any) -> Iterator[Reference]:
    if _from_ads(message.config_source):
        yield RDS, message.route_config_name


def _endpoints(message: Any) -> Iterator[Reference]:
    if _from_ads(message.leds_config):
        yield LEDS, message.leds_collection_name


def _scope(message: Any) -> Iterator[Reference]:
    if message.route_configuration_name:
        yield RDS, message.route_configuration_name


def _hosts(message: Any) -> Iterator[Reference]:
    """Its virtual hosts to be, from ADS or a stream of their own: each has a name that begins like this."""
    if message.HasField("vhds"):
        yield VHDS, f"{message.name}/"


def _extension(message: Any) -> Iterator[Reference]:
    if _from_ads(message.config_discovery.config_source):
        yield ECDS, message.name


def _secret(message: Any) -> Iterator[Reference]:
    if _from_ads(message.sds_config):
        yield SDS, message.name


def _clusters(message: Any) -> Iterator[Reference]:
    yield from ((CDS, name) for name in message.clusters)


def _from_ads(source: Any) -> bool:
    return bool(source.WhichOneof("config_source_specifier") in ("ads", "self"))


def _a_cluster(field: str) -> Callable[[Any], Iterator[Reference]]:
    def named(message: Any) -> Iterator[Reference]:
        if name := getattr(message, field):
            yield CDS, name

    return named


NAMED: Final[Mapping[str, Named]] = {
    "google.protobuf.Any": _packed,
    "envoy.config.cluster.v3.Cluster": _cluster,
    "envoy.config.endpoint.v3.LedsClusterLocalityConfig": _endpoints,
    "envoy.extensions.filters.network.http_connection_manager.v3.Rds": _rds,
    "envoy.config.route.v3.ScopedRouteConfiguration": _scope,
    "envoy.config.route.v3.RouteConfiguration": _hosts,
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter": _extension,
    "envoy.config.listener.v3.Filter": _extension,
    "envoy.config.listener.v3.ListenerFilter": _extension,
    "envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig": _secret,
    "envoy.config.route.v3.RouteAction": _a_cluster("cluster"),
    "envoy.config.route.v3.WeightedCluster.ClusterWeight": _a_cluster("name"),
    "envoy.config.route.v3.RouteAction.RequestMirrorPolicy": _a_cluster("cluster"),
    "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy": _a_cluster("cluster"),
    "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster.ClusterWeight": _a_cluster("name"),
    "envoy.extensions.clusters.aggregate.v3.ClusterConfig": _clusters,
    "envoy.config.core.v3.GrpcService.EnvoyGrpc": _a_cluster("cluster_name"),
    "envoy.config.core.v3.HttpUri": _a_cluster("cluster"),
}
"""Which messages name a resource, and how: message -> the references it makes."""
