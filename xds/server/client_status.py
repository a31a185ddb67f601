"""Client statuses: how far the configuration of each proxy has come, as Envoy's CSDS words it. Never with a secret.

https://github.com/envoyproxy/envoy/blob/main/api/envoy/service/status/v3/csds.proto
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.message import DecodeError

from xds.codec import build, decode, message_class
from xds.codec.descriptors import pool
from xds.codec.redact import redacted
from xds.model import ConfigError, Node, ProtocolError, Proxy, Resource
from xds.protocol import Delivery, Progress
from xds.server.fleet import Told

STATUS: Final = "envoy.service.status.v3."

STATUSES: Final[Mapping[Progress, tuple[str, str]]] = {
    Progress.SYNCED: ("SYNCED", "ACKED"),
    Progress.STALE: ("STALE", "REQUESTED"),
    Progress.NOT_SENT: ("NOT_SENT", "REQUESTED"),
    Progress.ERROR: ("ERROR", "NACKED"),
    Progress.MISSING: ("NOT_SENT", "DOES_NOT_EXIST"),
}
"""How far a resource has come -> what the control plane says of it, and what it knows of the client's mind."""


def read(body: bytes) -> Any:
    """A ClientStatusRequest. Raises ProtocolError when the bytes are none."""
    try:
        return message_class(STATUS + "ClientStatusRequest").FromString(body)
    except DecodeError:
        raise ProtocolError("the request is no ClientStatusRequest") from None


def read_json(body: dict[str, Any]) -> Any:
    """The same from JSON data. Raises ProtocolError when it describes none."""
    try:
        return json_format.ParseDict(body, message_class(STATUS + "ClientStatusRequest")(), descriptor_pool=pool())
    except (json_format.ParseError, AttributeError, TypeError) as error:
        raise ProtocolError(f"the request is no ClientStatusRequest: {error}") from None


def answer(request: Any, told: Iterable[Told]) -> Any:
    """The ClientStatusResponse: a ClientConfig for each stream, as a node may have several and each stands for itself."""
    contents = not request.exclude_resource_contents
    clock = time.time() - time.monotonic()
    configs = [_config(proxy, deliveries, clock, contents=contents) for proxy, deliveries in told]
    return build(STATUS + "ClientStatusResponse", {"config": configs})


def _config(proxy: Proxy, deliveries: Iterable[Delivery], clock: float, *, contents: bool) -> dict[str, Any]:
    return {
        "node": _node(proxy.node),
        "client_scope": f"{proxy.service} {proxy.peer}",
        "generic_xds_configs": [_generic(one, clock, contents=contents) for one in deliveries],
    }


def _node(node: Node) -> Any:
    region, zone, sub_zone = node.locality
    body = {
        "id": node.id,
        "cluster": node.cluster,
        "user_agent_name": node.user_agent,
        "metadata": dict(node.metadata),
        "locality": {"region": region, "zone": zone, "sub_zone": sub_zone},
    }
    return json_format.ParseDict(body, message_class("envoy.config.core.v3.Node")(), descriptor_pool=pool())


def _generic(one: Delivery, clock: float, *, contents: bool) -> dict[str, Any]:
    config_status, client_status = STATUSES[one.progress]
    body: dict[str, Any] = {
        "type_url": one.type_url,
        "name": one.name,
        "config_status": config_status,
        "client_status": client_status,
        "version_info": one.held.version if one.held else "",
    }
    if one.held and one.updated:
        body["last_updated"] = _timestamp(one.updated + clock)
    if one.held and contents:
        body |= _packed("xds_config", one.held)
    if one.error and one.asked:
        failed = _packed("failed_configuration", one.asked) if contents else {}
        tried = {"last_update_attempt": _timestamp(one.tried + clock)} if one.tried else {}
        body["error_state"] = {"details": one.error, "version_info": one.asked.version, **tried, **failed}
    return body


def _packed(field: str, one: Resource) -> dict[str, Any]:
    """A resource's message as a field that is an Any; none for what is known by its version alone, or to nobody here."""
    if not one.body:
        return {}
    try:
        message = redacted(decode(one.type_url, one.body))
    except ConfigError:
        return {}
    return {field: {"type_url": one.type_url, "value": message.SerializeToString()}}


def _timestamp(seconds: float) -> dict[str, int]:
    whole = int(seconds)
    return {"seconds": whole, "nanos": int((seconds - whole) * 1e9)}
