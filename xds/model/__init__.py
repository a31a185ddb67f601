"""Frozen data: keys, objects, events, statuses, resources, snapshots, and the interfaces of the plug-ins."""

from xds.model.error import ConfigError, LegationError, ProtocolError
from xds.model.event import Delete, Event, Listed, Put, Report
from xds.model.key import CLUSTER_SCOPED, Key, Kind
from xds.model.load import ClusterLoad, Load, LocalityLoad
from xds.model.node import Listen, Node, NodeGroup
from xds.model.object import Object, Objects, Origin
from xds.model.plugin import (
    Authenticator,
    Grouping,
    Hook,
    Installable,
    Leadership,
    LoadSink,
    OnDemand,
    Provider,
    ProxyRunner,
    Refusing,
    Source,
    StatusWriter,
)
from xds.model.principal import Principal
from xds.model.proxy import Answer, Proxy, Refusal, Subscribed
from xds.model.resource import NO_RESOURCES, Reference, Resource, Resources, version_of
from xds.model.snapshot import Snapshot, dangling, loose_ends
from xds.model.status import Condition, Diagnostic, Part, Severity, Status
from xds.model.translation import Translation

__all__ = [
    "CLUSTER_SCOPED",
    "NO_RESOURCES",
    "Answer",
    "Authenticator",
    "ClusterLoad",
    "Condition",
    "ConfigError",
    "Delete",
    "Diagnostic",
    "Event",
    "Grouping",
    "Hook",
    "Installable",
    "Key",
    "Kind",
    "Leadership",
    "LegationError",
    "Listed",
    "Listen",
    "Load",
    "LoadSink",
    "LocalityLoad",
    "Node",
    "NodeGroup",
    "Object",
    "Objects",
    "OnDemand",
    "Origin",
    "Part",
    "Principal",
    "ProtocolError",
    "Provider",
    "Proxy",
    "ProxyRunner",
    "Put",
    "Reference",
    "Refusal",
    "Refusing",
    "Report",
    "Resource",
    "Resources",
    "Severity",
    "Snapshot",
    "Source",
    "Status",
    "StatusWriter",
    "Subscribed",
    "Translation",
    "dangling",
    "loose_ends",
    "version_of",
]
