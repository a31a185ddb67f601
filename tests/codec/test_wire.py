"""protobuf's wire format, held against protobuf itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xds.codec import decode_node, message_class, wire
from xds.model import Node, ProtocolError

NODE = message_class("envoy.config.core.v3.Node")


@given(value=st.integers(0, 2**64 - 1), before=st.binary(max_size=3), after=st.binary(max_size=3))
def test_varints_are_read_as_written(value, before, after):
    body = before + wire.varint(value) + after
    assert wire.read_varint(body, len(before)) == (value, len(body) - len(after))


@given(value=st.integers(0, 2**64 - 1))
def test_varints_are_written_as_protobuf_does(value):
    message = message_class("google.protobuf.UInt64Value")(value=value)
    assert message.SerializeToString() == (b"\x08" + wire.varint(value) if value else b"")


@given(number=st.integers(1, 2**29 - 1), value=st.binary(max_size=200))
def test_fields_are_read_as_written(number, value):
    assert list(wire.fields(wire.delimited(number, value))) == [(number, value)]


@given(text=st.text(st.characters(codec="utf-8")))
def test_texts_are_read_as_written(text):
    ((_, value),) = wire.fields(wire.delimited(1, text))
    assert wire.text(value) == text


def test_every_kind_of_field_is_read():
    """Fixed numbers of both widths, as bits."""
    double = message_class("google.protobuf.DoubleValue")(value=1.0).SerializeToString()
    single = message_class("google.protobuf.FloatValue")(value=1.0).SerializeToString()
    assert list(wire.fields(double + single)) == [(1, 0x3FF0 << 48), (1, 0x3F800000)]


@pytest.mark.parametrize(
    "body",
    [b"\x0a\x05abc", b"\x0a", b"\x80" * 11, b"\x0b", b"\x09\x00", b"\x0d\x00\x00", b"\x0f"],
    ids=["short text", "no length", "endless varint", "a group", "short double", "short float", "no wire type"],
)
def test_what_is_no_message_is_refused(body):
    with pytest.raises(ProtocolError):
        list(wire.fields(body))


@pytest.mark.parametrize("value", [7, b"\xff"], ids=["a number", "no UTF-8"])
def test_what_is_no_text_is_refused(value):
    with pytest.raises(ProtocolError, match="string field"):
        wire.text(value)


@given(body=st.binary(max_size=80))
def test_no_bytes_do_more_than_be_refused(body):
    for read in (lambda: list(wire.fields(body)), lambda: decode_node(body)):
        try:
            read()
        except ProtocolError:
            continue


def test_a_node_is_read_without_its_extensions():
    extensions = [{"name": f"envoy.filters.{number}", "category": "envoy.filters"} for number in range(500)]
    node = NODE(
        id="n",
        cluster="c",
        user_agent_name="envoy",
        metadata={"a": {"b": 1}},
        locality={"region": "r", "zone": "z", "sub_zone": "s"},
        extensions=extensions,
    )
    read = decode_node(node.SerializeToString())
    assert read == Node("n", "c", "envoy", {}, ("r", "z", "s"))
    assert read.metadata == {"a": {"b": 1.0}}


@pytest.mark.parametrize("number", [float("nan"), float("inf")], ids=str)
def test_metadata_that_json_has_no_word_for_is_refused(number):
    node = NODE(id="n")
    node.metadata.fields["a"].number_value = number
    with pytest.raises(ProtocolError, match="node"):
        decode_node(node.SerializeToString())


def test_what_a_node_has_too_much_of_is_left_out_or_refused_before_it_is_taken_apart():
    much = "x" * (256 << 10)
    node = NODE(id="n", cluster="edge", user_agent_name="envoy")
    node.metadata.fields["a"].string_value = much
    node.extensions.add(name=much)
    read = decode_node(node.SerializeToString())
    assert (read.id, read.cluster, read.user_agent, read.metadata) == ("n", "edge", "envoy", {})
    node.user_agent_name = 2 * much
    with pytest.raises(ProtocolError, match=r"has 5243\d\d bytes without its extensions"):
        decode_node(node.SerializeToString())


def test_a_run_ends_where_it_ends_however_another_began():
    long = b"".join(wire.delimited(3, f"name-{number}") for number in range(500))
    longer = long + wire.delimited(3, "one more")
    for run in (long, longer, long, longer[:-1] + b"x", wire.delimited(3, "short")):
        for after in (b"", wire.delimited(4, "other")):
            first, *rest = wire.fields(wire.delimited(1, "before") + run + after, frozenset({3}))
            assert first == (1, b"before")
            assert rest == [(3, run), *wire.fields(after)]


def test_a_known_run_that_is_cut_short_is_no_message():
    run = b"".join(wire.delimited(3, f"name-{number}") for number in range(500))
    assert list(wire.fields(run, frozenset({3}))) == [(3, run)]
    with pytest.raises(ProtocolError):
        list(wire.fields(run + wire.delimited(3, "one more")[:-1], frozenset({3})))
    with pytest.raises(ProtocolError):
        list(wire.fields(run[:-1], frozenset({3})))
