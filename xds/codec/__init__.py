"""Text, JSON and messages of other libraries to Envoy's messages, messages to bytes, and back. Pure."""

from xds.codec.descriptors import message_class
from xds.codec.message import (
    adopt,
    build,
    decode,
    decode_node,
    encode,
    from_json,
    own_name,
    pack,
    resource,
    resource_to_json,
    to_json,
    type_url_of,
)
from xds.codec.reference import references

__all__ = [
    "adopt",
    "build",
    "decode",
    "decode_node",
    "encode",
    "from_json",
    "message_class",
    "own_name",
    "pack",
    "references",
    "resource",
    "resource_to_json",
    "to_json",
    "type_url_of",
]
