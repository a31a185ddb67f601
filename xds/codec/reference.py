"""References: the resources that a message names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message

from xds.codec.descriptors import message_class
from xds.model import ConfigError, Reference
from xds.model.name import canonical
from xds.model.type_url import CDS, ECDS, EDS, LEDS, PREFIX, RDS, SDS, VHDS


def references(message: Message) -> frozenset[Reference]:
    """Every resource that a message names and expects from the same ADS stream, however deep inside it."""
    return frozenset((type_url, canonical(name)) for type_url, name in _walk(message))


def _walk(message: Any) -> Iterator[Reference]:
    full_name = message.DESCRIPTOR.full_name
    if full_name == AnyMessage.DESCRIPTOR.full_name:
        yield from _walk_any(message)
        return
    if (named := NAMED.get(full_name)) is not None:
        yield from named(message)
    for field, value in message.ListFields():
        if field.message_type is not None:
            yield from _walk_field(field, value)


def _walk_field(field: Any, value: Any) -> Iterator[Reference]:
    if field.message_type.GetOptions().map_entry:
        if field.message_type.fields_by_name["value"].message_type is not None:
            for entry in value.values():
                yield from _walk(entry)
    elif field.is_repeated:
        for entry in value:
            yield from _walk(entry)
    else:
        yield from _walk(value)


def _walk_any(packed: Any) -> Iterator[Reference]:
    try:
        kind = message_class(packed.type_url.removeprefix(PREFIX))
    except ConfigError:
        return
    yield from _walk(kind.FromString(packed.value))


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


NAMED: Final[dict[str, Callable[[Any], Iterator[Reference]]]] = {
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
