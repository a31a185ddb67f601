"""The definition of EnvoyResources for a Kubernetes cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sources.envoy.sheet import ENVOY_RESOURCES

PLURAL: Final = "envoyresources"

_ANYTHING: Final = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
"""Envoy's messages are checked here, against Envoy's own descriptors, and not by the API server."""

_SPEC: Final = {
    "type": "object",
    "required": ["groups", "resources"],
    "properties": {
        "groups": {
            "type": "array",
            "description": "The node groups that are served the resources: a proxy is in the one that its cluster names.",
            "minItems": 1,
            "items": {"type": "string", "minLength": 1},
        },
        "resources": {
            "type": "array",
            "description": "Envoy's messages as JSON, each with its @type.",
            "items": _ANYTHING,
        },
    },
}
_CONDITION: Final = {
    "type": "object",
    "required": ["type", "status", "reason", "message", "lastTransitionTime"],
    "properties": {
        "type": {"type": "string"},
        "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
        "reason": {"type": "string"},
        "message": {"type": "string"},
        "observedGeneration": {"type": "integer", "format": "int64"},
        "lastTransitionTime": {"type": "string", "format": "date-time"},
    },
}
_CONDITIONS: Final = {
    "type": "array",
    "items": _CONDITION,
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["type"],
}
_SCHEMA: Final = {
    "type": "object",
    "description": "Envoy's own resources, for node groups by name.",
    "required": ["spec"],
    "properties": {"spec": _SPEC, "status": {"type": "object", "properties": {"conditions": _CONDITIONS}}},
}
_ACCEPTED: Final = {
    "name": "Accepted",
    "type": "string",
    "jsonPath": '.status.conditions[?(@.type=="Accepted")].status',
}

DEFINITION: Final[Mapping[str, Any]] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"{PLURAL}.{ENVOY_RESOURCES.group}"},
    "spec": {
        "group": ENVOY_RESOURCES.group,
        "scope": "Namespaced",
        "names": {
            "kind": ENVOY_RESOURCES.name,
            "listKind": f"{ENVOY_RESOURCES.name}List",
            "plural": PLURAL,
            "singular": PLURAL,
        },
        "versions": [
            {
                "name": ENVOY_RESOURCES.version,
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "additionalPrinterColumns": [_ACCEPTED],
                "schema": {"openAPIV3Schema": _SCHEMA},
            }
        ],
    },
}
"""The CustomResourceDefinition. Its group, version and name are those that the source reads."""
