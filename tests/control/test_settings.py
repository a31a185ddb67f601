"""The settings file: what it means, and what is said when it cannot mean what it says."""

from __future__ import annotations

import textwrap
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import get_args

import pytest

from xds.control import plugin, settings
from xds.model import ConfigError, Node
from xds.server.authority import DEFAULT, Rule, ShortType
from xds.server.grouping import ByCluster, ById, ByMetadata

SECTIONS = ", ".join(sorted(settings.File.__struct_fields__))
NONE = "providers: {memory: {}}\nsources: {echoes: {}}\nrunner: none\n"


def said(file: str, **given) -> str:
    with pytest.raises(ConfigError) as caught:
        settings.load(file, **given)
    return str(caught.value)


@pytest.fixture(autouse=True)
def _strangers(acme):
    """Every test has plug-ins to name."""


def test_an_empty_file_has_every_default(write):
    loaded = settings.load(write("legation.yaml", "# nothing\n"), flags={"sources": {"echoes": {}}, "runner": "none"})
    assert (loaded.xds.address, loaded.xds.port, loaded.admin.port) == ("127.0.0.1", 18000, 19000)
    assert (loaded.log.level, loaded.log.format) == ("info", "text")
    assert loaded.providers == ()


def test_a_plug_ins_section_becomes_its_own_settings(write):
    file = write("legation.yaml", "providers: {memory: {names: [a, b]}}\nsources: {echoes: }\nrunner: none\n")
    (provider,) = settings.load(file).providers
    assert provider.settings.names == ("a", "b")
    assert provider.make().settings is provider.settings


def test_a_plug_in_without_settings_is_made_without(write):
    loaded = settings.load(write("legation.yaml", NONE))
    assert loaded.sources[0].settings is None
    assert loaded.sources[0].make().kinds
    assert loaded.runner is None


async def test_on_demand_hooks_are_plug_ins(write):
    (hook,) = settings.load(write("legation.yaml", NONE + "on_demand: {clusters: {}}\n")).on_demand
    made = hook.make()
    (type_url,) = made.types
    assert (await made.make("edge", type_url, "c")).name == "c"
    with pytest.raises(ConfigError, match="the on-demand hook 'timid' is no OnDemand: it lacks make, types"):
        settings.load(write("legation.yaml", NONE + "on_demand: {timid: {}}\n")).on_demand[0].make()


def test_what_becomes_of_an_inconsistent_snapshot_is_a_choice(write):
    assert settings.load(write("legation.yaml", NONE)).consistency == "error"
    assert settings.load(write("legation.yaml", NONE + "consistency: warning\n")).consistency == "warning"
    assert "consistency" in said(write("legation.yaml", NONE + "consistency: maybe\n"))


def test_flags_win_over_the_file_and_leave_the_rest_of_it(write):
    file = write("legation.yaml", NONE + "xds: {address: 0.0.0.0, port: 1}\n")
    loaded = settings.load(file, flags={"xds": {"port": 2}})
    assert (loaded.xds.address, loaded.xds.port) == ("0.0.0.0", 2)


def test_paths_take_the_place_of_every_provider(write):
    file = write("legation.yaml", NONE)
    assert "providers.file" in said(file, paths=(7,))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "providers:\n memory:\n  namez: [a]\n",
            "s.yaml:3: providers.memory.namez is not a setting (did you mean names?)",
        ),
        ("xds:\n  port: 1\n  prot: 2\n", "s.yaml:3: xds.prot is not a setting (did you mean port?)"),
        ("providrs: {}\n", "s.yaml:1: providrs is not a setting (did you mean providers?)"),
        ("zzz: {}\n", f"s.yaml:1: zzz is not a setting (there are {SECTIONS})"),
        ("access:\n- {who: []}\n", "s.yaml:2: access[0].who must not be empty"),
        (
            "access:\n- {who: [a], types: [sd]}\n",
            f"s.yaml:2: access[0].types[0] cannot be 'sd' (it can be {' or '.join(sorted(get_args(ShortType)))})",
        ),
        ("grouping: {}\n", "s.yaml:1: grouping is empty (name one, for instance cluster: {})"),
        ("rest: {port: 1, ports: x}\n", "s.yaml:1: rest.ports is not a setting (did you mean port?)"),
        ("xds:\n  port: 70000\n", "s.yaml:2: xds.port must be at most 65535"),
        ("xds:\n  port: -1\n", "s.yaml:2: xds.port must be at least 0"),
        ("xds:\n  port: abc\n", "s.yaml:2: xds.port must be a whole number, not text"),
        ("xds: [1]\n", "s.yaml:1: xds must be a mapping, not a list"),
        ("xds:\n  tls:\n    certificate: a\n", "s.yaml:2: xds.tls.key is missing"),
        (
            "xds:\n  tls: {certificate: a, key: b}\n",
            "s.yaml:2: xds.tls does not go together with a runner, whose proxies connect without it (write runner: none)",
        ),
        ("xds:\n  write_timeout_seconds: 0\n", "s.yaml:2: xds.write_timeout_seconds must be more than 0"),
        (
            "xds:\n  tls: {certificate: a, key: b, min_version: 1.3}\n",
            "s.yaml:2: xds.tls.min_version must be text, not a number (put it in quotes)",
        ),
        ("access: []\n", "s.yaml:1: access must not be empty"),
        (
            "reports:\n  load_sinks: {gone: {}}\n",
            "s.yaml:1: reports.load_interval is missing, and load_sinks would be told nothing (write 10)",
        ),
        (
            "xds:\n  max_mesage_bytes: 1\n",
            "s.yaml:2: xds.max_mesage_bytes is not a setting (did you mean max_message_bytes?)",
        ),
        ("log: {level: loud}\n", "s.yaml:1: log.level cannot be 'loud' (it can be debug or error or info or warning)"),
        ("runner: nobody\n", "s.yaml:1: runner cannot be 'nobody' (it can be none)"),
        ("providers:\n  memory:\n    names: a\n", "s.yaml:3: providers.memory.names must be a list, not text"),
        (
            "providers:\n  memory:\n    names: [a,\n      1]\n",
            "s.yaml:4: providers.memory.names[1] must be text, not a whole number (put it in quotes)",
        ),
        ("providers:\n  memory: 3\n", "s.yaml:2: providers.memory must be a mapping, not a whole number"),
        ("sources:\n  echoes: {a: 1}\n", "s.yaml:2: sources.echoes takes no settings (write echoes: {})"),
        ("sources: {}\n", "s.yaml:1: sources is empty (name at least one, for instance gatewayapi: {})"),
        ("sources: {echoes: }\nrunner: {}\n", "s.yaml:2: runner is empty (name one, for instance host: {}, or write none)"),
        (
            "sources: {echoes: }\nrunner: {a: {}, b: {}}\n",
            "s.yaml:2: runner names 2 runners: a, b (name one, for instance host: {}, or write none)",
        ),
        ("- a\n", "s.yaml:1: the settings must be a mapping (start with 'providers:')"),
        ("xds: {}\n---\nadmin: {}\n", "s.yaml:2: a settings file is one document (take out the '---')"),
        ("xds: {}\nxds: {}\n", "s.yaml:2: is not valid YAML: the key 'xds' is given twice"),
    ],
)
def test_a_mistake_is_said_with_file_line_and_path(write, text, message):
    assert said(write("s.yaml", text)) == message


def test_an_unknown_plug_in_is_said_with_what_is_installed(write):
    message = said(write("s.yaml", "providers:\n  memoryy: {}\nsources: {echoes: {}}\n"))
    assert message.startswith("s.yaml:2: providers.memoryy cannot be used: there is no provider 'memoryy'")
    assert "did you mean memory? installed: " in message


def test_a_missing_file_names_itself(here):
    assert said("nope.yaml") == "nope.yaml cannot be read: No such file or directory (it was given with --config)"


def test_a_file_of_bytes_is_no_settings_file(here):
    (here / "s.yaml").write_bytes(b"\xff\xfe")
    assert said("s.yaml") == "s.yaml is not UTF-8 text: invalid start byte at byte 0"


def test_who_may_ask_for_what_is_a_table_of_rules(write):
    """Without one, it is whoever is on this machine, or proves who it is."""
    text = """
    rest: {port: 1}
    access:
      - {who: [local]}
      - who: ["spiffe://acme/*"]
        groups: [edge-*]
        types: [cds, eds]
    default_group: lost
    """
    loaded = settings.load(write("s.yaml", NONE + textwrap.dedent(text)))
    assert loaded.access == (Rule(("local",)), Rule(("spiffe://acme/*",), groups=("edge-*",), types=("cds", "eds")))
    assert (loaded.rest.address, loaded.rest.port, loaded.default_group) == ("127.0.0.1", 1, "lost")
    plain = settings.load(write("t.yaml", NONE))
    assert (plain.access, plain.rest, plain.grouping, plain.authenticators) == (DEFAULT, None, None, ())


def test_groupings_and_authenticators_are_plug_ins(write):
    made = settings.load(write("s.yaml", NONE + "grouping: {labels: {label: team}}\nauthenticators: {tokens: {}}\n"))
    assert made.grouping.make().group(Node("n", metadata={"team": "a"})) == "a"
    assert made.authenticators[0].make().authenticate


def test_the_built_in_groupings_are_declared_like_a_strangers():
    declared = tomllib.loads(Path(settings.__file__).parents[2].joinpath("pyproject.toml").read_text())
    points = declared["project"]["entry-points"][plugin.NODES]
    classes = {name: EntryPoint(name, value, plugin.NODES).load() for name, value in points.items()}
    assert classes == {"cluster": ByCluster, "id": ById, "metadata": ByMetadata}
