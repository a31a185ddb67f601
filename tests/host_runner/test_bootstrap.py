"""Envoy's bootstrap."""

import json
import subprocess

import pytest

from providers.host import binary
from xds.codec import from_json
from xds.codec.bootstrap import bootstrap, grpc_bootstrap
from xds.model import ConfigError

XDS = ("127.0.0.1", 18000)
ADMIN = ("127.0.0.1", 0)


@pytest.mark.envoy
@pytest.mark.parametrize("dialect", ["delta", "sotw"])
@pytest.mark.parametrize("xds", [XDS, ("::1", 18000), ("localhost", 18000)])
@pytest.mark.parametrize("admin", [ADMIN, "admin.sock"])
@pytest.mark.parametrize("load_reports", [False, True])
def test_the_real_envoy_takes_it_without_a_warning(dialect, xds, admin, load_reports, tmp_path):
    admin = str(tmp_path / admin) if isinstance(admin, str) else admin
    body = bootstrap("default/a", "node-1", xds, admin=admin, dialect=dialect, load_reports=load_reports)
    file = tmp_path / "bootstrap.json"
    file.write_text(json.dumps(body))
    command = [binary.locate(None), "--mode", "validate", "-c", str(file), "--log-level", "warning"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(("dialect", "api_type"), [("delta", "DELTA_GRPC"), ("sotw", "GRPC")])
def test_one_ads_stream_that_names_its_node_once(dialect, api_type):
    body = bootstrap("default/a", "node-1", XDS, admin=ADMIN, dialect=dialect)
    assert body["node"] == {"id": "node-1", "cluster": "default/a"}
    ads = body["dynamic_resources"]["ads_config"]
    assert (ads["api_type"], ads["set_node_on_first_message_only"]) == (api_type, True)
    for name in ("cds_config", "lds_config"):
        assert body["dynamic_resources"][name] == {
            "ads": {},
            "resource_api_version": "V3",
            "initial_fetch_timeout": "0s",
        }


@pytest.mark.parametrize(
    ("address", "found"),
    [("10.0.0.1", ("STATIC", None)), ("::1", ("STATIC", None)), ("legation.test", ("STRICT_DNS", "ALL"))],
)
def test_a_name_is_looked_up_with_all_its_addresses_and_an_address_is_not(address, found):
    cluster = bootstrap("g", "n", (address, 1), admin=ADMIN)["static_resources"]["clusters"][0]
    assert (cluster["type"], cluster.get("dns_lookup_family")) == found


def test_it_is_plain_json_of_a_bootstrap():
    body = bootstrap("g", "n", XDS, admin="/run/admin.sock")
    assert json.loads(json.dumps(body)) == body
    assert from_json({"@type": "type.googleapis.com/envoy.config.bootstrap.v3.Bootstrap", **body})


def test_what_no_bootstrap_can_hold_is_refused_with_its_path():
    with pytest.raises(ConfigError, match=r"port_value"):
        bootstrap("g", "n", ("127.0.0.1", -1), admin=ADMIN)


@pytest.mark.parametrize(("host", "uri"), [("127.0.0.1", "127.0.0.1:18000"), ("::1", "[::1]:18000"), ("a.b", "a.b:18000")])
def test_grpc_is_told_whom_to_ask_and_as_whom(host, uri):
    body = grpc_bootstrap("greeter-clients", "client-1", (host, 18000))
    assert body["xds_servers"][0]["server_uri"] == uri
    assert body["node"] == {"id": "client-1", "cluster": "greeter-clients"}


def test_grpc_is_told_the_files_of_tls():
    files = {"authority": "ca.pem", "certificate": "", "key": ""}
    (server,) = grpc_bootstrap("g", "n", XDS, files)["xds_servers"]
    assert server["channel_creds"] == [{"type": "tls", "config": {"ca_certificate_file": "ca.pem"}}]
