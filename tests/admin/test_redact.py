"""Secrets stay secret, wherever Envoy's definitions say that one is."""

from __future__ import annotations

import pytest

from xds.codec import from_json, to_json
from xds.codec.redact import redact, redacted
from xds.model.type_url import CDS, LDS, PREFIX, SDS

TLS = PREFIX + "envoy.extensions.transport_sockets.tls.v3."
MATERIAL = {"certificate_chain": {"inline_string": "PUBLIC"}, "private_key": {"inline_string": "HUSH"}}


def shown(body: dict) -> dict:
    """As people are shown it; the body must be one that Envoy knows."""
    return redact({"@type": body["@type"], **to_json(from_json(body))})


def test_private_keys_passwords_and_tickets_of_secrets():
    keys = shown({"@type": SDS, "name": "a", "session_ticket_keys": {"keys": [{"inline_string": "HUSH"}]}})
    assert keys["session_ticket_keys"] == {"keys": [{"inline_string": "[redacted]"}]}
    generic = shown({"@type": SDS, "name": "a", "generic_secret": {"secret": {"inline_bytes": "SFVTSA=="}}})
    assert generic["generic_secret"] == {"secret": {"inline_bytes": "[redacted]"}}
    certificate = shown({"@type": SDS, "name": "a", "tls_certificate": MATERIAL})["tls_certificate"]
    assert certificate["private_key"] == {"inline_string": "[redacted]"}
    assert certificate["certificate_chain"] == {"inline_string": "PUBLIC"}


def test_a_key_deep_inside_a_packed_message():
    context = {"@type": TLS + "UpstreamTlsContext", "sni": "x", "common_tls_context": {"tls_certificates": [MATERIAL]}}
    body = shown(
        {"@type": CDS, "name": "a", "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": context}}
    )
    config = body["transport_socket"]["typed_config"]
    assert config["common_tls_context"]["tls_certificates"][0]["private_key"] == {"inline_string": "[redacted]"}
    assert config["sni"] == "x"


@pytest.mark.parametrize(
    "secret",
    [
        {"@type": SDS, "name": "a", "tls_certificate": MATERIAL},
        {"@type": SDS, "name": "a", "session_ticket_keys": {"keys": [{"inline_string": "HUSH"}]}},
        {"@type": SDS, "name": "a", "generic_secret": {"secret": {"inline_bytes": "SFVTSA=="}}},
        {
            "@type": CDS,
            "name": "a",
            "transport_socket": {
                "name": "tls",
                "typed_config": {
                    "@type": TLS + "UpstreamTlsContext",
                    "common_tls_context": {"tls_certificates": [MATERIAL]},
                },
            },
        },
    ],
    ids=["certificate", "tickets", "generic", "packed"],
)
def test_messages_have_them_covered_and_the_rest_as_it_is(secret):
    message = from_json(secret)
    covered = redacted(message)
    assert b"HUSH" in message.SerializeToString()
    assert b"HUSH" not in covered.SerializeToString()
    assert redact({"@type": secret["@type"], **to_json(covered)}) == shown(secret)


def test_a_message_without_secrets_is_the_same():
    message = from_json({"@type": CDS, "name": "a", "metadata": {"filter_metadata": {"a": {"b": 1}}}})
    assert redacted(message) == message


def test_maps_structs_and_wrappers_pass_through():
    metadata = {"filter_metadata": {"a": {"b": [1.0, {"c": None}]}}}
    options = {"x": {"@type": PREFIX + "envoy.extensions.upstreams.http.v3.HttpProtocolOptions", "explicit_http_config": {}}}
    body = {"@type": CDS, "name": "a", "metadata": metadata, "typed_extension_protocol_options": options}
    assert shown(body)["metadata"] == metadata
    assert shown(body)["typed_extension_protocol_options"] == options
    assert shown({"@type": LDS, "name": "l", "per_connection_buffer_limit_bytes": 7}) == {
        "@type": LDS,
        "name": "l",
        "per_connection_buffer_limit_bytes": 7,
    }
