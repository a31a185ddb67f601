"""Discovery requests and responses as JSON, the way they travel over REST."""

from __future__ import annotations

from typing import Final

import msgspec
from google.protobuf import json_format
from google.protobuf.message import DecodeError

from xds.codec.descriptors import message_class, pool
from xds.codec.message import to_json
from xds.model import ConfigError, ProtocolError

DISCOVERY: Final = "envoy.service.discovery.v3."
REFUSAL: Final = ("error_detail", "errorDetail")


def request_from_json(text: bytes) -> bytes:
    """The DiscoveryRequest that a JSON text describes, encoded; field names in either spelling.

    What this version of Envoy's types does not know is left out, and so is what nothing comes of here: why a response was
    refused, because a poll does not say which, and the node's extensions, by far the most of it.
    Raises ProtocolError when the text describes none.
    """
    try:
        body = msgspec.json.decode(text)
        if not isinstance(body, dict):
            raise ProtocolError("the request must be a JSON object")
        kept = {name: value for name, value in body.items() if name not in REFUSAL}
        if isinstance(node := body.get("node"), dict):
            node.pop("extensions", None)
        request = message_class(DISCOVERY + "DiscoveryRequest")()
        json_format.ParseDict(kept, request, ignore_unknown_fields=True, descriptor_pool=pool())
        return request.SerializeToString()
    except (msgspec.DecodeError, json_format.ParseError, RecursionError, UnicodeError) as error:
        raise ProtocolError(f"the request is no DiscoveryRequest: {error}") from None


def response_to_json(body: bytes) -> bytes:
    """An encoded DiscoveryResponse as JSON, with Envoy's own field names.

    Raises ConfigError when it holds a message that cannot be written so: one of a type that Envoy does not know.
    """
    try:
        return msgspec.json.encode(to_json(message_class(DISCOVERY + "DiscoveryResponse").FromString(body)))
    except (TypeError, DecodeError) as error:
        raise ConfigError(f"a resource cannot be written as JSON: {error}") from None
