"""What a client may make the control plane remember: beyond it the stream ends, in words."""

from __future__ import annotations

import pytest

from xds.model import ProtocolError
from xds.model.type_url import EDS, PREFIX, RDS
from xds.protocol import DELTA, SOTW, Limits, Request, Stream


def asked(dialect, *names: str, type_url: str = EDS) -> Request:
    return Request(type_url, names=names) if dialect is SOTW else Request(type_url, subscribe=names)


def test_a_stream_has_so_many_types(dialect):
    stream = Stream(dialect)
    for number in range(64):
        stream.receive(asked(dialect, type_url=f"{PREFIX}t{number}"))
    stream.receive(asked(dialect, type_url=f"{PREFIX}t0"))
    with pytest.raises(ProtocolError, match="more than 64 resource types") as caught:
        stream.receive(asked(dialect, type_url=f"{PREFIX}t64"))
    assert caught.value.code == "RESOURCE_EXHAUSTED"
    assert len(stream.subscribed()) == 64


def test_a_stream_has_so_many_names(dialect):
    """In all its subscriptions together."""
    stream = Stream(dialect, limits=Limits(names=10))
    stream.receive(asked(dialect, *"abcdefgh"))
    stream.receive(asked(dialect, "r", "s", type_url=RDS))
    with pytest.raises(ProtocolError, match="11 resource names, at most 10 in a stream") as caught:
        stream.receive(asked(dialect, *(("r", "s", "t") if dialect is SOTW else ("t",)), type_url=RDS))
    assert caught.value.code == "RESOURCE_EXHAUSTED"


@pytest.mark.parametrize("dialect", [DELTA], ids=["delta"])
def test_what_is_held_from_before_counts(dialect):
    stream = Stream(dialect, limits=Limits(names=10))
    with pytest.raises(ProtocolError, match="11 resource names"):
        stream.receive(Request(EDS, subscribe=("a",), initial=dict.fromkeys("abcdefghijk", "1")))


def test_names_have_so_much_text(dialect):
    stream = Stream(dialect, limits=Limits(name_length=100, text=250))
    stream.receive(asked(dialect, "a" * 100, "b" * 100))
    with pytest.raises(ProtocolError, match="resource names of 300 characters, at most 250") as caught:
        stream.receive(asked(dialect, "a" * 100, "b" * 100, "c" * 100))
    assert caught.value.code == "RESOURCE_EXHAUSTED"


def test_what_is_dropped_does_not_count(dialect):
    stream = Stream(dialect, limits=Limits(names=3, name_length=100, text=250))
    for name in "abcdefgh":
        drop = (chr(ord(name) - 1) * 100,)
        stream.receive(Request(EDS, names=(name * 100,), subscribe=(name * 100,), unsubscribe=drop))


@pytest.mark.parametrize("field", ["names", "subscribe", "unsubscribe"])
def test_a_name_is_so_long(dialect, field):
    stream = Stream(dialect)
    stream.receive(Request(EDS, **{field: ("a" * 4096,)}))
    with pytest.raises(ProtocolError, match="a resource name has 4097 characters") as caught:
        stream.receive(Request(EDS, **{field: ("a" * 4097,)}))
    assert caught.value.code == "INVALID_ARGUMENT"


def test_a_type_is_so_long(dialect):
    """A type URL of a megabyte is not repeated to anybody, either."""
    with pytest.raises(ProtocolError, match="a type_url has 1048576 characters") as caught:
        Stream(dialect).receive(Request("a" * (1 << 20)))
    assert caught.value.code == "INVALID_ARGUMENT"
    assert len(str(caught.value)) < 100
