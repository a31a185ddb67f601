"""Plug-ins of a stranger: a package that is found through real entry points, as any other is."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner

from xds.control.cli import main

ACME = '''
"""A stranger's package: a provider and a source for objects of kind Echo, and plug-ins that are broken."""

import msgspec

from xds.codec import resource
from xds.model import Condition, Diagnostic, Key, Kind, Listed, NodeGroup, Object, Origin, Put, Report, Severity
from xds.model import Snapshot, Status, Translation

ECHO = Kind("acme.dev", "Echo")


class Memory:
    class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        names: tuple[str, ...] = ()

    def __init__(self, settings):
        self.settings = settings

    async def watch(self, kinds):
        for name in self.settings.names:
            yield Put(Object.of({"apiVersion": "acme.dev/v1", "kind": "Echo", "metadata": {"name": name}, "spec": {}}))
        yield Listed()
        raise AssertionError("read on after Listed")


class Echoes:
    """One cluster for each Echo in a node group `acme`; `spec.timeout` is its connect timeout."""

    kinds = frozenset({ECHO})

    def check(self, one):
        if "timeout" in one.body["spec"] and not isinstance(one.body["spec"]["timeout"], str):
            yield Diagnostic("must be a duration", one.key, "spec.timeout", hint="for instance 5s")

    def translate(self, objects):
        echoes = objects.of_kind(ECHO).values()
        clusters = [self._cluster(one.key.name, one.body["spec"], one.key) for one in echoes]
        secrets = [self._secret(one.body["spec"]["key"]) for one in echoes if "key" in one.body["spec"]]
        statuses = {one.key: self._status(one.body["spec"]) for one in echoes}
        snapshot = Snapshot.of([*clusters, *secrets])
        return Translation({"acme": snapshot} if echoes else {}, {"acme": NodeGroup("acme")}, statuses)

    def _cluster(self, name, spec, key):
        body = {"name": name, "connect_timeout": spec.get("timeout", "1s")}
        return resource({"@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", **body}, authors=(key,))

    def _secret(self, key):
        body = {"name": "key", "tls_certificate": {"private_key": {"inline_string": key}}}
        return resource({"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret", **body})

    def _status(self, spec):
        well = "missing" not in spec
        reason, message = ("Fine", "") if well else ("Missing", "Service " + spec["missing"] + " does not exist")
        return Status((Condition("Resolved", well, reason, message),), summary="echoes")


class Labels:
    class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        label: str

    def __init__(self, settings):
        self.settings = settings

    def group(self, node):
        return node.metadata.get(self.settings.label, "")


class Clusters:
    types = frozenset({"type.googleapis.com/envoy.config.cluster.v3.Cluster"})

    async def make(self, group, type_url, name):
        return resource({"@type": type_url, "name": name})


class Tokens:
    async def authenticate(self, metadata, certified):
        return certified


class Fragile:
    def __init__(self):
        raise OSError(2, "No such file or directory", "tokens.txt")


class Shapeless:
    """No source: it cannot translate."""

    kinds = frozenset({ECHO})

    def check(self, one):
        return ()


not_a_class = 7
'''

ENTRY_POINTS = """
[legation.providers]
memory = acme:Memory
number = acme:not_a_class

[legation.sources]
echoes = acme:Echoes
shapeless = acme:Shapeless
gone = acme_gone:Source
absent = acme:Absent
twice = acme:Echoes

[legation.nodes]
labels = acme:Labels

[legation.on_demand]
clusters = acme:Clusters
timid = acme:Shapeless

[legation.authenticators]
tokens = acme:Tokens
fragile = acme:Fragile
rash = acme_rash:Tokens
"""

RIVAL = """
[legation.sources]
twice = acme:Echoes
"""


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two packages of strangers, `acme` and `rival`, installed for one test."""
    site = tmp_path / "site"
    _install(site, "acme", ENTRY_POINTS)
    _install(site, "rival", RIVAL)
    (site / "acme.py").write_text(ACME)
    (site / "acme_rash.py").write_text('import os\n\nTOKEN = os.environ["ACME_TOKEN"]\n')
    monkeypatch.syspath_prepend(site)
    monkeypatch.delitem(sys.modules, "acme", raising=False)


def _install(site: Path, name: str, entry_points: str) -> None:
    folder = site / f"{name}-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(entry_points)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def write(here: Path):
    """Writes a file in the working directory, its text dedented."""

    def written(name: str, text: str) -> str:
        path = here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))
        return name

    return written


@pytest.fixture
def legation():
    """Runs the command with these arguments; errors that nobody caught are raised."""

    def ran(*arguments: str):
        result = CliRunner().invoke(main, arguments, catch_exceptions=False)
        return result.exit_code, result.stdout, result.stderr

    return ran
