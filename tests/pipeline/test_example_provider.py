"""The provider of the examples is found as any stranger's is: by its entry point, in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples/provider.py"

ROUTES = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: legation
  listeners: [{name: http, protocol: HTTP, port: 8080}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: api}
spec:
  parentRefs: [{name: edge}]
  rules:
    - backendRefs: [{group: gateway.envoyproxy.io, kind: Backend, name: echo}]
"""


@pytest.fixture
def here(tmp_path) -> Path:
    """A directory with the example installed in `site`, routes, and settings that name both providers."""
    site = tmp_path / "site"
    info = site / "acme_hosts-1.0.dist-info"
    info.mkdir(parents=True)
    shutil.copy(EXAMPLE, site)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-hosts\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[legation.providers]\nhosts = provider:Hosts\n")
    (tmp_path / "routes.yaml").write_text(ROUTES)
    (tmp_path / "hosts.txt").write_text("echo 127.0.0.1 3000\nother 127.0.0.1 3001\n")
    (tmp_path / "legation.yaml").write_text("providers: {file: {paths: [routes.yaml]}, hosts: {file: hosts.txt}}\n")
    return tmp_path


@pytest.fixture
def legation(here):
    """Runs the command in a process that finds the example: (exit code, standard output, standard error)."""

    def ran(*arguments: str) -> tuple[int, str, str]:
        command = [sys.executable, "-c", "from xds.control.cli import main; main()", *arguments, "--config", "legation.yaml"]
        environment = {**os.environ, "PYTHONPATH": str(here / "site")}
        done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    return ran


def test_what_it_says_is_checked_with_the_files(legation):
    assert legation("check") == (0, "4 objects: all well\n", "")


def test_its_backends_become_clusters(legation):
    code, out, err = legation("translate", "-o", "json", "--type", "eds")
    assert (code, err) == (0, "")
    (endpoints,) = json.loads(out)["default/edge"]["eds"]
    address = endpoints["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
    assert (address["address"], address["port_value"]) == ("127.0.0.1", 3000)


def test_complaints_point_into_its_file(here, legation):
    (here / "hosts.txt").write_text("echo 127.0.0.1 3000\nother 127.0.0.1 70000\n")
    code, out, _ = legation("check")
    assert code == 1
    assert out.startswith("hosts.txt:2: error: Backend default/other: spec.endpoints[0].ip.port must be between 1 and 65535")


def test_its_settings_are_its_own(here, legation):
    (here / "legation.yaml").write_text("providers:\n  hosts:\n    files: hosts.txt\n")
    said = "legation: legation.yaml:3: providers.hosts.files is not a setting (did you mean file?)\n"
    assert legation("check") == (2, "", said)


def test_the_readme_shows_the_example_as_it_is():
    readme = (EXAMPLE.parents[1] / "README.md").read_text(encoding="utf-8")
    code = EXAMPLE.read_text(encoding="utf-8")
    assert code[code.index("from collections.abc") :] in readme
