"""The documents that we read beside the definitions of Gateway API's own release: nothing that they have is unknown here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from msgspec import inspect
from toolbox import UnavailableError, crds

from sources.gatewayapi.schema import SCHEMAS
from sources.gatewayapi.schema.reference import GATEWAY_GROUP

KINDS = {kind.name: schema for kind, schema in SCHEMAS.items() if kind.group == GATEWAY_GROUP}


@pytest.fixture(scope="module")
def definitions() -> dict[str, Mapping[str, Any]]:
    """The OpenAPI schemas of the experimental channel, by kind."""
    try:
        files = crds("experimental").glob("*.yaml")
    except UnavailableError as error:
        pytest.skip(str(error))
    documents = (one for file in files for one in yaml.safe_load_all(file.read_text()))
    specs = (one["spec"] for one in documents if one and one.get("kind") == "CustomResourceDefinition")
    return {spec["names"]["kind"]: spec["versions"] for spec in specs}


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_and_word_of_a_definition_is_known(definitions, kind):
    served = {one["name"]: one["schema"]["openAPIV3Schema"] for one in definitions[kind] if one["served"]}
    assert served.keys() <= {*KINDS[kind].versions}
    of = inspect.type_info(KINDS[kind].struct)
    missing = {
        place for body in served.values() for place in unknown(body["properties"]["spec"], field_of(of, "spec"), "spec")
    }
    assert missing == set()


def unknown(body: Mapping[str, Any], of: inspect.Type, path: str) -> Iterator[str]:
    """The fields and words from here on that the API server lets through and we refuse."""
    if isinstance(of, inspect.UnionType):
        (of,) = (one for one in of.types if not isinstance(one, inspect.NoneType))
    if isinstance(of, inspect.VarTupleType):
        yield from unknown(body["items"], of.item_type, f"{path}[]")
    elif isinstance(of, inspect.StructType):
        names = {one.encode_name for one in of.fields}
        for name, below in body["properties"].items():
            if name in names:
                yield from unknown(below, field_of(of, name), f"{path}.{name}")
            else:
                yield f"{path}.{name}"
    elif isinstance(of, inspect.LiteralType):
        yield from (f"{path}: {word}" for word in body.get("enum", ()) if word not in of.values)


def field_of(of: inspect.Type, name: str) -> inspect.Type:
    """The type of a field, by its name in a document."""
    assert isinstance(of, inspect.StructType)
    return next(one.type for one in of.fields if one.encode_name == name)
