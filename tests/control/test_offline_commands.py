"""The commands that need nobody: check, translate, diff, status of files, bootstrap, version."""

from __future__ import annotations

import json
import sys

import pytest
import yaml

from xds.codec import from_json

ECHO = """
    apiVersion: acme.dev/v1
    kind: Echo
    metadata:
      name: {name}
    spec: {spec}
    """


@pytest.fixture(autouse=True)
def _strangers(acme, write):
    """The language of these tests is a stranger's: objects of kind Echo."""
    write("s.yaml", "sources: {echoes: {}}\n")


@pytest.fixture
def echo(write):
    """Writes an Echo."""
    return lambda file, name, spec="{}": write(file, ECHO.replace("{name}", name).replace("{spec}", spec))


@pytest.fixture
def offline(legation):
    """Runs a command with the settings of these tests."""
    return lambda command, *arguments: legation(command, "--config", "s.yaml", *arguments)


class TestCheck:
    def test_nothing_wrong_is_one_line_and_exit_0(self, offline, echo):
        assert offline("check", echo("a.yaml", "a")) == (0, "1 object: all well\n", "")

    def test_an_objects_own_errors_have_file_line_field_and_hint(self, offline, echo):
        code, out, _ = offline("check", echo("a.yaml", "a", "\n      timeout: 5"))
        assert code == 1
        assert out == (
            "a.yaml:6: error: Echo default/a: spec.timeout must be a duration\n"
            "    for instance 5s\n"
            "1 object: 1 error, no warnings\n"
        )

    def test_a_failing_condition_is_an_error_of_its_object(self, offline, echo):
        code, out, _ = offline("check", echo("a.yaml", "a", "{missing: b}"))
        assert code == 1
        assert out == (
            "a.yaml:1: error: Echo default/a: Service b does not exist (Resolved is False, Missing)\n"
            "1 object: 1 error, no warnings\n"
        )

    def test_every_error_of_every_file_is_told_by_file_and_line(self, offline, echo, write):
        echo("in/b.yaml", "b", "{missing: x}")
        echo("in/a.yaml", "a", "{timeout: 5}")
        write("in/c.yaml", "a: [\n")
        code, out, _ = offline("check", "in")
        assert code == 1
        assert [line.split(":")[0] for line in out.splitlines() if line.startswith("in/")] == [
            "in/a.yaml",
            "in/b.yaml",
            "in/c.yaml",
        ]
        assert out.endswith("2 objects: 3 errors, no warnings\n")

    def test_json_has_the_same(self, offline, echo):
        code, out, _ = offline("check", "-o", "json", echo("a.yaml", "a", "{timeout: 5}"))
        told = json.loads(out)
        assert (code, told["objects"], told["errors"], told["warnings"]) == (1, 1, 1, 0)
        assert (told["diagnostics"][0]["file"], told["diagnostics"][0]["field"]) == ("a.yaml", "spec.timeout")

    def test_terminal_escapes_in_a_document_are_spelled_out(self, offline, echo):
        _, out, _ = offline("check", echo("a.yaml", "a", r'{missing: "\e[2J"}'))
        assert "Service \\x1b[2J does not exist" in out

    def test_nothing_to_read_is_a_usage_error(self, offline):
        code, _, err = offline("check")
        assert code == 2
        assert "there is nothing to read: give a PATH, or --config with a section 'providers'" in err

    def test_a_provider_of_the_settings_is_read_until_it_has_listed(self, legation, write):
        write("m.yaml", "providers: {memory: {names: [a, b]}}\nsources: {echoes: {}}\n")
        assert legation("check", "--config", "m.yaml") == (0, "2 objects: all well\n", "")


class TestTranslate:
    def test_resources_by_group_and_type(self, offline, echo):
        code, out, err = offline("translate", echo("a.yaml", "a", "{timeout: 5s}"))
        assert (code, err) == (0, "")
        (cluster,) = yaml.safe_load(out)["acme"]["cds"]
        assert (cluster["name"], cluster["connect_timeout"]) == ("a", "5s")
        assert from_json(cluster).name == "a"

    def test_json_and_one_type_and_one_group(self, offline, echo):
        file = echo("a.yaml", "a", "{key: HUSH}")
        told = json.loads(offline("translate", file, "-o", "json", "--type", "sds", "--group", "acme")[1])
        assert list(told["acme"]) == ["sds"]

    def test_private_keys_are_shown_only_when_asked_for(self, offline, echo):
        file = echo("a.yaml", "a", "{key: HUSH}")
        assert "HUSH" not in offline("translate", file)[1]
        assert "HUSH" in offline("translate", file, "--show-secrets")[1]

    def test_what_is_wrong_is_told_beside_and_the_rest_translated(self, offline, echo):
        echo("in/a.yaml", "a", "{timeout: 5}")
        echo("in/b.yaml", "b")
        code, out, err = offline("translate", "in")
        assert code == 1
        assert [one["name"] for one in yaml.safe_load(out)["acme"]["cds"]] == ["b"]
        assert err.startswith("in/a.yaml:5: error: Echo default/a: spec.timeout must be a duration")

    def test_an_unknown_group_says_which_there_are(self, offline, echo):
        code, out, err = offline("translate", echo("a.yaml", "a"), "--group", "b")
        assert (code, out, err) == (2, "", "legation: there is no node group 'b' (there are: acme)\n")


class TestDiff:
    def test_the_same_files_change_nothing(self, offline, echo):
        file = echo("a.yaml", "a")
        assert offline("diff", file, file) == (0, "Nothing would change.\n", "")

    def test_added_changed_and_removed(self, offline, echo):
        echo("old/a.yaml", "a", "{timeout: 1s}")
        echo("old/b.yaml", "b")
        echo("new/a.yaml", "a", "{timeout: 2s}")
        echo("new/c.yaml", "c")
        code, out, _ = offline("diff", "old", "new")
        assert code == 1
        assert out.splitlines() == [
            "acme",
            "  ~ cds a",
            "      @@ -1,5 +1,5 @@",
            "       {",
            '         "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",',
            '         "name": "a",',
            '      -  "connect_timeout": "1s"',
            '      +  "connect_timeout": "2s"',
            "       }",
            "  - cds b",
            "  + cds c",
            "1 added, 1 changed, 1 removed",
        ]

    def test_json_has_both_sides(self, offline, echo):
        old, new = echo("old.yaml", "a", "{timeout: 1s}"), echo("new.yaml", "a", "{timeout: 2s}")
        change = json.loads(offline("diff", old, new, "-o", "json")[1])["acme"]["cds"]["a"]
        assert change["change"] == "changed"
        assert (change["before"]["connect_timeout"], change["after"]["connect_timeout"]) == ("1s", "2s")

    def test_a_new_private_key_is_a_change_that_is_not_shown(self, offline, echo):
        old, new = echo("old.yaml", "a", "{key: HUSH}"), echo("new.yaml", "a", "{key: SHHH}")
        code, out, _ = offline("diff", old, new)
        assert code == 1
        assert out == "acme\n  ~ sds key\n      (what differs is redacted)\n0 added, 1 changed, 0 removed\n"

    def test_a_side_with_errors_cannot_be_compared(self, offline, echo):
        old, new = echo("old.yaml", "a"), echo("new.yaml", "a", "{timeout: 5}")
        code, out, err = offline("diff", old, new)
        assert (code, out) == (2, "")
        assert err.startswith("new.yaml:5: error: Echo default/a: spec.timeout must be a duration")
        assert err.endswith("legation: new.yaml has 1 error, so it cannot be compared\n")


class TestStatusOfFiles:
    def test_every_object_says_what_it_does_or_why_it_does_not(self, offline, echo):
        echo("in/a.yaml", "a")
        echo("in/b.yaml", "b", "{missing: x}")
        code, out, _ = offline("status", "in")
        assert code == 1
        assert out.splitlines() == [
            "OBJECT          STATE     WHAT",
            "Echo default/a  well      echoes",
            "Echo default/b  not well  Resolved Missing: Service x does not exist",
        ]

    def test_all_well_is_exit_0(self, offline, echo):
        assert offline("status", echo("a.yaml", "a"))[0] == 0

    def test_what_is_left_out_is_told_below(self, offline, echo):
        echo("in/a.yaml", "a")
        echo("in/b.yaml", "b", "{timeout: 5}")
        code, out, _ = offline("status", "in")
        assert code == 1
        assert "\n\nin/b.yaml:5: error: Echo default/b: spec.timeout must be a duration\n" in out

    def test_json_has_the_whole_status(self, offline, echo):
        told = json.loads(offline("status", "-o", "json", echo("a.yaml", "a"))[1])
        assert told["objects"][0]["status"]["conditions"][0]["type"] == "Resolved"


class TestBootstrap:
    def test_it_is_yaml_that_envoy_knows(self, legation):
        code, out, _ = legation("bootstrap", "--group", "default/edge", "--xds-address", "[::1]:18001")
        body = yaml.safe_load(out)
        assert code == 0
        assert body["node"] == {"id": "default/edge", "cluster": "default/edge"}
        assert "::1" in out
        assert from_json({"@type": "type.googleapis.com/envoy.config.bootstrap.v3.Bootstrap", **body})

    def test_the_dialect_and_the_node_are_the_callers(self, legation):
        arguments = ("--group", "g", "--node-id", "me", "--dialect", "sotw")
        body = yaml.safe_load(legation("bootstrap", *arguments)[1])
        assert body["node"]["id"] == "me"
        assert body["dynamic_resources"]["ads_config"]["api_type"] == "GRPC"

    @pytest.mark.parametrize("address", ["127.0.0.1:1", "xds.test:1"])
    def test_over_tls_the_control_plane_must_show_the_name_that_was_asked_for(self, legation, address):
        files = ("--tls-ca", "ca.pem", "--tls-cert", "a.crt", "--tls-key", "a.key")
        body = yaml.safe_load(legation("bootstrap", "--group", "g", "--xds-address", address, *files)[1])
        context = body["static_resources"]["clusters"][0]["transport_socket"]["typed_config"]
        (san,) = context["common_tls_context"]["validation_context"]["match_typed_subject_alt_names"]
        assert san["matcher"]["exact"] == address.partition(":")[0]
        assert context.get("sni") in (None, "xds.test")

    @pytest.mark.parametrize("files", [("--tls-cert", "a"), ("--tls-cert", "a", "--tls-key", "b")])
    def test_files_of_tls_that_do_not_go_together_are_refused(self, legation, files):
        code, _, err = legation("bootstrap", "--group", "g", *files)
        assert code == 2
        assert "--tls-" in err

    def test_grpc_does_not_learn_of_load_reports_here(self, legation):
        code, _, err = legation("bootstrap", "--for", "grpc", "--group", "g", "--load-reports")
        assert code == 2
        assert "gRPC reports where its cluster has an lrs_server" in err

    @pytest.mark.parametrize("address", ["x", "x:", ":1", "x:0", "x:70000", "x:y"])
    def test_an_address_that_is_none_says_what_one_looks_like(self, legation, address):
        code, _, err = legation("bootstrap", "--group", "g", "--xds-address", address)
        assert code == 2
        assert "is no host:port; it looks like 127.0.0.1:18000" in err


class TestTheCommandItself:
    def test_help_names_every_command(self, legation):
        code, out, _ = legation("--help")
        assert code == 0
        for command in ("run", "serve", "check", "translate", "diff", "status", "proxies", "bootstrap", "version"):
            assert f"\n  {command} " in out

    @pytest.mark.parametrize("command", ["run", "serve", "check", "translate", "diff", "status", "proxies", "bootstrap"])
    def test_every_commands_help_has_examples(self, legation, command):
        assert f"  Examples:\n    legation {command}" in legation(command, "--help")[1]

    def test_a_wrong_command_offers_the_nearest(self, legation):
        code, _, err = legation("checks")
        assert code == 2
        assert "There is no command 'checks'. Did you mean check?" in err

    def test_version_names_python(self, legation):
        assert f"Python   {sys.version.split()[0]}" in legation("version")[1]

    def test_a_broken_settings_file_is_one_line_and_exit_2(self, legation, write):
        write("bad.yaml", "xds: {prot: 1}\n")
        assert legation("check", "--config", "bad.yaml", "x") == (
            2,
            "",
            "legation: bad.yaml:1: xds.prot is not a setting (did you mean port?)\n",
        )
