"""Both wire forms: any request that protobuf writes is read as protobuf reads it, and no bytes do more than be refused."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xds.codec import message_class, wire
from xds.model import ProtocolError
from xds.model.type_url import CDS
from xds.protocol import DELTA, SOTW, Request

DELTA_REQUEST = "envoy.service.discovery.v3.DeltaDiscoveryRequest"
WORD = st.text(st.characters(codec="utf-8"), max_size=8)
WORDS = st.lists(WORD, max_size=4)
STATUS = st.none() | WORD


def written(kind: str, fields: dict, error: str | None) -> bytes:
    message = message_class(f"envoy.service.discovery.v3.{kind}")(**fields)
    if error is not None:
        message.error_detail.SetInParent()
        message.error_detail.message = error
    return message.SerializeToString()


@given(type_url=WORD, nonce=WORD, version=WORD, names=WORDS, error=STATUS, node=WORD)
def test_sotw_requests_are_read_as_written(type_url, nonce, version, names, error, node):
    fields = {
        "type_url": type_url,
        "response_nonce": nonce,
        "version_info": version,
        "resource_names": names,
        "node": {"id": node},
    }
    request = SOTW.read(written("DiscoveryRequest", fields, error))
    assert (request.type_url, request.nonce, request.version) == (type_url, nonce, version)
    assert (request.names, request.error) == (tuple(names), error)
    assert message_class("envoy.config.core.v3.Node").FromString(request.node).id == node


@given(type_url=WORD, nonce=WORD, more=WORDS, less=WORDS, initial=st.dictionaries(WORD, WORD, max_size=4), error=STATUS)
def test_delta_requests_are_read_as_written(type_url, nonce, more, less, initial, error):
    fields = {
        "type_url": type_url,
        "response_nonce": nonce,
        "resource_names_subscribe": more,
        "resource_names_unsubscribe": less,
        "initial_resource_versions": initial,
        "node": {"id": "n"},
    }
    request = DELTA.read(written("DeltaDiscoveryRequest", fields, error))
    assert (request.type_url, request.nonce, request.error) == (type_url, nonce, error)
    assert (request.subscribe, request.unsubscribe) == (tuple(more), tuple(less))
    assert request.initial == initial


FIELD = st.builds(wire.delimited, st.integers(1, 8), st.binary(max_size=12)) | st.builds(
    lambda number, value: wire.varint(number << 3) + wire.varint(value), st.integers(1, 8), st.integers(0, 300)
)
"""Fields of any number with anything in them: closer to a request than bytes by chance."""


@given(body=st.binary(max_size=60) | st.lists(FIELD, max_size=5).map(b"".join))
def test_no_bytes_do_more_than_be_refused(body):
    for dialect in (SOTW, DELTA):
        with suppress(ProtocolError):
            dialect.read(body)


def test_a_field_that_nobody_knows_is_skipped(dialect):
    assert dialect.read(wire.delimited(99, b"from the future")).type_url == ""


@pytest.mark.parametrize(("dialect_", "node"), [(SOTW, 2), (DELTA, 1)], ids=["sotw", "delta"])
def test_a_message_that_is_a_number_is_refused(dialect_, node):
    with pytest.raises(ProtocolError, match="holds a number"):
        dialect_.read(wire.varint(node << 3) + wire.varint(7))


def test_an_ack_is_read_at_a_glance(monkeypatch):
    """Nearly all that comes are ACKs, and nearly all of those a type and a nonce."""
    monkeypatch.setattr(wire, "fields", lambda *_: pytest.fail("it was taken apart"))
    body = message_class(DELTA_REQUEST)(type_url=CDS, response_nonce="n-1").SerializeToString()
    assert DELTA.read(body) == Request(CDS, "n-1")


@given(nonce=st.text(max_size=130), type_url=st.sampled_from([CDS, "", "unknown"]))
def test_nonces_of_any_length_are_read(nonce, type_url):
    body = message_class(DELTA_REQUEST)(type_url=type_url, response_nonce=nonce).SerializeToString()
    assert DELTA.read(body) == Request(type_url, nonce)
