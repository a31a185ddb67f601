"""Requests of any bytes: each is read, or refused in words. What a search once found is kept as an example."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from test_services import RESOURCES

from xds.codec import decode_node, message_class
from xds.codec.discovery import request_from_json
from xds.model import Node, ProtocolError, Snapshot
from xds.model.type_url import SHORT_TYPES
from xds.protocol import DELTA, SOTW, Dialect, Request, Stream

DISCOVERY = "envoy.service.discovery.v3."
METADATA = {"fields": {"a": {"list_value": {"values": [{"number_value": 1.5}, {"struct_value": {}}]}}}}
NODE = {"id": "n1", "cluster": "edge", "metadata": METADATA, "extensions": [{"name": "x"}], "locality": {"region": "r"}}
SEEDS = {
    SOTW: ("DiscoveryRequest", {"version_info": "1", "resource_names": ["a", "*"], "response_nonce": "2"}),
    DELTA: (
        "DeltaDiscoveryRequest",
        {
            "resource_names_subscribe": ["a", "*"],
            "resource_names_unsubscribe": ["b"],
            "initial_resource_versions": {"a": "1"},
            "response_nonce": "2",
        },
    ),
}
FIELDS = ("node", "resource_names", "version_info", "error_detail", "details", "@type", "value", "metadata", "id", "code")
SERVED = Snapshot.of(RESOURCES.values())


def seed(dialect: Dialect) -> bytes:
    """The bytes of a request that is in order, with every field."""
    kind, fields = SEEDS[dialect]
    more = {"type_url": SHORT_TYPES["cds"], "node": NODE, "error_detail": {"code": 3, "message": "no"}}
    return message_class(DISCOVERY + kind)(**fields, **more).SerializeToString()


@st.composite
def damaged(draw: Callable[..., Any], whole: bytes) -> bytes:
    """A message with a few of its bytes changed, taken out, or put in."""
    body = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(body)))
        body[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(body)


def any_bytes(whole: bytes) -> st.SearchStrategy[bytes]:
    return st.one_of(st.binary(max_size=200), damaged(whole))


@pytest.mark.parametrize("dialect", [SOTW, DELTA], ids=lambda one: one.name)
@given(data=st.data())
def test_any_bytes_are_a_request_or_refused(dialect, data):
    body = data.draw(any_bytes(seed(dialect)))
    with suppress(ProtocolError):
        read = dialect.read(body)
        assert isinstance(read, Request)
        assert isinstance(decode_node(read.node), Node)


@given(body=any_bytes(message_class("envoy.config.core.v3.Node")(**NODE).SerializeToString()))
def test_any_bytes_are_a_node_or_refused(body):
    with suppress(ProtocolError):
        assert isinstance(decode_node(body), Node)


@given(
    body=st.one_of(
        any_bytes(json.dumps({"node": {"id": "n"}, "resource_names": ["a"], "version_info": "1"}).encode()),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*FIELDS]) | st.text(), inner),
        ).map(lambda one: json.dumps(one).encode()),
    )
)
@example(b'{"error_detail": {"details": [{"@type": "type.googleapis.com/google.protobuf.Any"}]}}')
@example(b'{"errorDetail": {"details": [{"@type": 7}]}}')
@example(b'{"version_info": "\\ud800"}')
@example(b'{"node": {"metadata": {"a": 1e400}}}')
@example(b'{"node": []}')
@example(b'"\x80"')
def test_any_text_is_a_polls_request_or_refused(body):
    with suppress(ProtocolError):
        assert isinstance(SOTW.read(request_from_json(body)), Request)


@pytest.mark.parametrize("dialect", [SOTW, DELTA], ids=lambda one: one.name)
@given(data=st.data())
def test_a_stream_goes_on_or_ends_whatever_is_asked_of_it(dialect, data):
    """What it answers can be written; nothing it is told makes it fail."""
    stream = Stream(dialect, prefix="p")
    with suppress(ProtocolError):
        for now in range(data.draw(st.integers(1, 6))):
            stream.receive(dialect.read(data.draw(any_bytes(seed(dialect)))))
            stream.serve(SERVED)
            while (response := stream.respond(float(now))) is not None:
                assert dialect.write(response, "me")
