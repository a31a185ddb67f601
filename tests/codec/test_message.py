"""Messages: from fields, JSON and other libraries' messages; to bytes, to resources and back to JSON."""

from __future__ import annotations

import pytest

from xds.codec import (
    adopt,
    build,
    decode,
    decode_node,
    encode,
    from_json,
    message_class,
    pack,
    resource,
    resource_to_json,
    to_json,
)
from xds.model import ConfigError
from xds.model.node import BREAKS_OVER_ENDPOINTS
from xds.model.type_url import CDS, EDS, LEDS, PREFIX, VHDS

CLUSTER = "envoy.config.cluster.v3.Cluster"


def test_fields_json_and_bytes_make_the_same_message():
    built = build(CLUSTER, {"name": "a", "connect_timeout": {"seconds": 1, "nanos": 500_000_000}, "type": "EDS"})
    read = from_json({"@type": CDS, "name": "a", "connectTimeout": "1.5s", "type": "EDS"})
    assert built == read == decode(CDS, encode(built))
    assert to_json(built) == {"name": "a", "connect_timeout": "1.500s", "type": "EDS"}


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("nobody.Knows", {}),
        (CLUSTER, {"nume": "a"}),
        (CLUSTER, {"type": "ADS"}),
        (CLUSTER, {"name": 5}),
        (CLUSTER, {"connect_timeout": "1s"}),
    ],
    ids=["unknown message", "unknown field", "unknown enum value", "wrong type", "no message"],
)
def test_fields_that_a_message_cannot_have_are_refused(name, fields):
    with pytest.raises(ConfigError):
        build(name, fields)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"connect_timeout": 30}, "connect_timeout must be a duration such as 5s, not 30"),
        ({"connect_timeout": "1m"}, "connect_timeout must be a duration such as 5s, not 1m"),
        ({"health_checks": {}}, "health_checks must be a list, not {}"),
        ({"health_checks": [{"timeout": 3}]}, "health_checks[0].timeout must be a duration such as 5s, not 3"),
        ({"type": "EDSS"}, "type cannot be EDSS, which is no envoy.config.cluster.v3.Cluster.DiscoveryType"),
        ({"type": []}, "type must be a name or a number, not a list"),
        ({"name": 5}, "name must be text, not int"),
        ({"per_connection_buffer_limit_bytes": -1}, "per_connection_buffer_limit_bytes cannot be -1: that is out of range"),
        (
            {"per_connection_buffer_limit_bytes": "1MB"},
            "per_connection_buffer_limit_bytes must be a whole number, not '1MB'",
        ),
        ({"respect_dns_ttl": "yes"}, "respect_dns_ttl must be true or false"),
        ({"metadata": {"typed_filter_metadata": {"a": {"@type": "x"}}}}, " has an @type that is no message of Envoy: x"),
    ],
)
def test_json_that_is_wrong_is_refused_in_plain_words(body, words):
    with pytest.raises(ConfigError) as caught:
        from_json({"@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", **body})
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "a"}, "@type"),
        ({"@type": 5}, "@type"),
        ({"@type": CDS, "nume": "a"}, "nume"),
        ({"@type": CDS, "connect_timeout": "soon"}, "connect_timeout"),
        ({"@type": CDS, "lb_policy": "WHATEVER"}, "lb_policy"),
        ({"@type": CDS, "health_checks": [{"timeout": "1s"}, {"timeout": "soon"}]}, "health_checks[1].timeout"),
        ({"@type": CDS, "health_checks": [{"tmeout": "1s"}]}, "health_checks[0].tmeout"),
    ],
    ids=str,
)
def test_json_that_is_wrong_is_refused_with_its_path(body, field):
    with pytest.raises(ConfigError) as caught:
        from_json(body)
    assert caught.value.field == field
    assert caught.value.message


def test_a_packed_message_stands_inside_another():
    tls = pack("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext", {"sni": "a.example"})
    one = resource(build(CLUSTER, {"name": "a", "transport_socket": {"name": "tls", "typed_config": tls}}))
    assert resource_to_json(one) == {
        "@type": CDS,
        "name": "a",
        "transport_socket": {
            "name": "tls",
            "typed_config": {
                "@type": PREFIX + "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                "sni": "a.example",
            },
        },
    }


def test_bytes_of_something_else_are_refused():
    with pytest.raises(ConfigError, match=r"these bytes are no .*Cluster"):
        decode(CDS, b"\xff\xff")
    with pytest.raises(ConfigError, match="nobody"):
        decode(PREFIX + "nobody.Knows", b"")


def test_anybodys_message_is_adopted():
    ours = build(CLUSTER, {"name": "a"})
    assert adopt(ours) is ours
    assert adopt({"@type": CDS, "name": "a"}) == ours


def test_a_message_of_another_pool_is_adopted():
    """protobuf's own pool has classes of its own for the same names."""
    from google.protobuf.duration_pb2 import Duration  # noqa: PLC0415  the stranger

    adopted = adopt(Duration(seconds=2))
    assert isinstance(adopted, message_class("google.protobuf.Duration"))
    assert adopted.seconds == 2


def test_a_betterproto2_message_is_adopted():
    cluster = pytest.importorskip("envoy_data_plane.envoy.config.cluster.v3").Cluster(name="a")
    assert adopt(cluster) == build(CLUSTER, {"name": "a"})


@pytest.mark.parametrize("thing", ["a", 5, None, object()], ids=["text", "number", "nothing", "object"])
def test_what_is_no_message_is_refused(thing):
    with pytest.raises(ConfigError, match="is no message"):
        adopt(thing)


@pytest.mark.parametrize(("type_url", "field"), [(CDS, "name"), (EDS, "cluster_name")], ids=["cds", "eds"])
def test_a_resource_needs_a_name(type_url, field):
    assert resource({"@type": type_url, field: "a"}).name == "a"
    with pytest.raises(ConfigError) as caught:
        resource({"@type": type_url})
    assert caught.value.field == field


def test_an_endpoint_alone_is_given_its_name():
    endpoint, name = {"@type": LEDS, "load_balancing_weight": 2}, "xdstp://x/envoy.config.endpoint.v3.LbEndpoint/a/1"
    assert resource(endpoint, name=name).name == name
    with pytest.raises(ConfigError, match="without a name"):
        resource(endpoint)


@pytest.mark.parametrize("given", ["", "r/v"])
def test_the_domains_of_a_virtual_host_are_its_aliases(given):
    host = {"@type": VHDS, "name": "v" if given else "r/v", "domains": ["a.com", "*"]}
    assert resource(host, name=given).aliases == ("r/a.com", "r/*")
    assert resource(host, name="v").aliases == ()


def test_a_name_that_is_a_uri_has_one_spelling():
    name = "xdstp://x/envoy.config.cluster.v3.Cluster/c"
    assert resource({"@type": CDS, "name": name + "?k=1&j=2"}).name == name + "?j=2&k=1"


@pytest.mark.parametrize("name", ["xdstp://x/envoy.config.route.v3.RouteConfiguration/c", "xdstp://x", "xdstp://x/a/b#c=d"])
def test_a_uri_must_be_a_name_of_its_type(name):
    with pytest.raises(ConfigError, match="is no name of a Cluster"):
        resource({"@type": CDS, "name": name})


def test_equal_messages_are_equal_resources():
    """Maps have no order, and bytes must not have one either."""
    keys = {f"k{number}": {"v": number} for number in range(20)}
    metadata = [{"filter_metadata": order} for order in (keys, dict(reversed(keys.items())))]
    first, second = (resource({"@type": CDS, "name": "a", "metadata": one}) for one in metadata)
    assert (first, first.body) == (second, second.body)


@pytest.mark.parametrize(
    ("body", "field", "hint"),
    [
        ({"conect_timeout": "1s"}, "conect_timeout", "did you mean connect_timeout?"),
        ({"eds_cluster_config": {"zzz": 1}}, "eds_cluster_config.zzz", ""),
    ],
)
def test_an_unknown_field_is_told_by_its_path_with_the_nearest_right_one(body, field, hint):
    with pytest.raises(ConfigError, match=r"is no field of envoy\.config\.cluster\.v3\.Cluster") as caught:
        from_json({"@type": CDS, "name": "a", **body})
    assert (caught.value.field, caught.value.hint) == (field, hint)


def test_a_node_tells_its_release():
    """An Envoy before 1.38 has a bug that it must be spared."""
    version = {"major_number": 1, "minor_number": 37, "patch": 4}
    told = {"id": "n", "user_agent_name": "envoy", "user_agent_build_version": {"version": version}}
    old = decode_node(encode(build("envoy.config.core.v3.Node", told)))
    assert old.release == (1, 37)
    assert BREAKS_OVER_ENDPOINTS in old.features
    assert BREAKS_OVER_ENDPOINTS not in decode_node(encode(build("envoy.config.core.v3.Node", {"id": "n"}))).features
