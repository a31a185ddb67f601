"""The certificates by which clients are checked, as Envoy gets them."""

from __future__ import annotations

from typing import Any

import pytest
from key_pair import filled

from sources.gatewayapi import GatewayApi, Settings
from xds.codec import decode
from xds.model import Object, Objects, Snapshot
from xds.model.type_url import LDS, SDS


def gateway(*names: str) -> Object:
    """A Gateway with an HTTPS listener that trusts the authorities of these ConfigMaps."""
    refs = [{"group": "", "kind": "ConfigMap", "name": name} for name in names]
    spec = {
        "gatewayClassName": "x",
        "tls": {"frontend": {"default": {"validation": {"caCertificateRefs": refs}}}},
        "listeners": [{"name": "https", "port": 443, "protocol": "HTTPS", "tls": {"certificateRefs": [{"name": "server"}]}}],
    }
    return Object.of(
        {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "gw"}, "spec": spec}
    )


def config_map(name: str, *whose: str) -> Object:
    texts = [filled({"kind": "ConfigMap", "data": {"pem": f"<certificate of {one}>"}})["data"]["pem"] for one in whose]
    return core("ConfigMap", name, data={"ca.crt": "".join(texts)})


def core(kind: str, name: str, **fields: Any) -> Object:
    return Object.of({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **fields})


SERVER = filled({"kind": "Secret", "stringData": {"tls.crt": "<certificate of server>", "tls.key": "<key of server>"}})
SECRET = core("Secret", "server", type="kubernetes.io/tls", stringData=SERVER["stringData"])


@pytest.fixture
def served():
    """What the Gateway's proxies get, of one source after the other."""
    source = GatewayApi(Settings())

    def of(*objects: Object) -> Snapshot:
        return source.translate(Objects.of([SECRET, *objects])).snapshots["default/gw"]

    return of


def bundle(snapshot: Snapshot) -> bytes:
    """The one that is served."""
    (found,) = (one for one in snapshot.of_type(SDS).values() if one.name != "default/server")
    return decode(SDS, found.body).validation_context.trusted_ca.inline_bytes


def test_several_authorities_are_one_bundle(served):
    both = bundle(served(gateway("one", "two"), config_map("one", "a"), config_map("two", "b", "c")))
    assert both.count(b"BEGIN CERTIFICATE") == 3


def test_one_that_is_renewed_changes_no_listener(served):
    before = served(gateway("one"), config_map("one", "a"))
    after = served(gateway("one"), config_map("one", "b"))
    assert after.of_type(LDS) is before.of_type(LDS)
    assert bundle(after) != bundle(before)


def test_one_that_is_gone_closes_the_listener(served):
    assert served(gateway("one"), config_map("one", "a")).of_type(LDS)
    assert not list(served(gateway("one")))
