"""EnvoyResources, written down."""

from __future__ import annotations

from typing import Any

from xds.model import Object, Origin
from xds.model.type_url import CDS


def cluster(name: str, timeout: str = "1s") -> dict[str, Any]:
    return {"@type": CDS, "name": name, "connect_timeout": timeout}


def sheet(
    name: str, *resources: Any, groups: Any = ("edge",), api: str = "legation.dev/v1alpha1", created: str = ""
) -> Object:
    """An EnvoyResources object."""
    spec = {"groups": list(groups), "resources": list(resources)}
    metadata = {"name": name, "creationTimestamp": created}
    body = {"apiVersion": api, "kind": "EnvoyResources", "metadata": metadata, "spec": spec}
    return Object.of(body, origin=Origin("resources.yaml", 3))
