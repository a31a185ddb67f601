"""The world of the case folders: objects out of YAML, and a translation as data that a person can read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml
from key_pair import emptied, filled

from sources.gatewayapi import GatewayApi, Settings
from xds.codec import resource_to_json
from xds.codec.document import parse, split
from xds.model import Object, Objects, Snapshot, Translation
from xds.model.type_url import EDS, SHORT_TYPES

CASES = Path(__file__).parent / "cases"


def objects(text: str) -> Objects:
    """The objects of a YAML stream."""
    return Objects.of(Object.of(filled(parse(one, "in.yaml"))) for one in split(text))


def translate(text: str, **settings: str) -> Translation:
    """The translation of a YAML stream."""
    return GatewayApi(Settings(**settings)).translate(objects(text))


def rendered(translation: Translation) -> dict[str, Any]:
    """Everything in a translation, sorted; the bytes as JSON."""
    groups = {
        name: {
            "listens": [one.url for one in group.listens],
            **{short: _resources(translation.snapshots[name], url) for short, url in SHORT_TYPES.items()},
        }
        for name, group in sorted(translation.groups.items())
    }
    statuses = {
        str(key): {"summary": status.summary, **status.to_json()}
        for key, status in sorted(translation.statuses.items(), key=lambda item: str(item[0]))
    }
    return {"groups": groups, "statuses": statuses, "diagnostics": [str(one) for one in translation.diagnostics]}


def _resources(snapshot: Snapshot, type_url: str) -> list[dict[str, Any]]:
    """Sorted by name; and their keys, because protobuf's maps have no order. No certificate or key is shown."""
    of_type = snapshot.of_type(type_url)
    text = json.dumps([resource_to_json(of_type[name]) for name in sorted(of_type)], sort_keys=True)
    return json.loads(emptied(text))


def settings_of(text: str) -> dict[str, str]:
    """The settings that a case asks for in a comment."""
    found = re.search(r"^# settings: (.*)$", text, re.MULTILINE)
    return yaml.safe_load(found[1]) if found else {}


def bootstrap(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot as static resources: what comes over ADS stands in the listeners and clusters themselves."""
    of = {short: {one["name"]: one for one in named(snapshot, url)} for short, url in SHORT_TYPES.items() if short != "eds"}
    of["eds"] = {one["cluster_name"]: one for one in named(snapshot, EDS)}
    parts = {"listeners": of["lds"], "clusters": of["cds"], "secrets": of["sds"]}
    return {"static_resources": {name: [_static(one, of) for one in found.values()] for name, found in parts.items()}}


def named(snapshot: Snapshot, type_url: str) -> list[dict[str, Any]]:
    """The resources of a type as plain JSON, without their own type."""
    found = json.loads(json.dumps([resource_to_json(one) for one in snapshot.of_type(type_url).values()]))
    return [{name: value for name, value in one.items() if name != "@type"} for one in found]


def _static(node: Any, of: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_static(one, of) for one in node]
    if not isinstance(node, dict):
        return node
    node = {name: _static(value, of) for name, value in node.items()}
    if rds := node.pop("rds", None):
        node["route_config"] = {**of["rds"][rds["route_config_name"]], "validate_clusters": False}
    if node.pop("eds_cluster_config", None):
        node |= {"type": "STATIC", "load_assignment": of["eds"][node["name"]]}
    node.pop("sds_config", None)
    return node
