"""`run` and `serve`: what their flags make of the settings. What they do with them is the application's."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import xds.control
from xds.model import ConfigError


@pytest.fixture(autouse=True)
def _strangers(acme, write):
    """A provider and a source to name."""
    write("s.yaml", "providers: {memory: {}}\nsources: {echoes: {}}\n")


@pytest.fixture
def started(monkeypatch, legation):
    """Runs the command with an application that only takes note: (settings, companions)."""
    noted = []
    app = SimpleNamespace(run=lambda settings, *, companions: noted.append((settings, companions)))
    monkeypatch.setattr(xds.control, "app", app, raising=False)

    def ran(*arguments: str):
        code, _, err = legation(*arguments, "--config", "s.yaml")
        assert code == 0, err
        return noted[-1]

    return ran


def test_run_starts_envoys_on_this_host_and_serve_none(started):
    assert started("run")[0].runner.name == "host"
    assert started("run", "--no-envoy")[0].runner is None
    assert started("serve")[0].runner is None


def test_flags_are_laid_over_the_settings_file(started):
    flags = "--port 1 --workers 2 --admin-port 0 --log-level debug --log-format json --envoy-path /e"
    settings, _ = started("run", *flags.split())
    assert (settings.xds.port, settings.xds.workers, settings.admin.port) == (1, 2, 0)
    assert (settings.log.level, settings.log.format) == ("debug", "json")
    assert settings.runner.settings.envoy_path == "/e"


def test_paths_are_read_instead_of_the_files_providers(started):
    (provider,) = started("run", "a.yaml", "b")[0].providers
    assert (provider.name, provider.settings.paths) == ("file", ("a.yaml", "b"))


def test_companions_are_handed_on_in_order(started):
    assert started("run", "--with", "echo 1", "--with", "echo 2")[1] == ("echo 1", "echo 2")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run",), "there is nothing to read: give a PATH"),
        (("serve",), "there is nothing to read: give a PATH"),
        (("run", "x", "--no-envoy", "--envoy-path", "e"), "--no-envoy and --envoy-path do not go together"),
        (("run", "x", "--port", "70000"), "70000 is not in the range 0<=x<=65535"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(legation, arguments, said, write, monkeypatch):
    monkeypatch.setattr(xds.control, "app", None, raising=False)
    code, _, err = legation(*arguments, "--config", write("none.yaml", "sources: {echoes: {}}\n"))
    assert code == 2
    assert said in err


@pytest.fixture
def failing(monkeypatch, legation):
    """Runs `serve` with an application that raises this."""

    def ran(error: BaseException):
        def run(*_, **__):
            raise error

        monkeypatch.setattr(xds.control, "app", SimpleNamespace(run=run), raising=False)
        return legation("serve", "--config", "s.yaml")

    return ran


def test_an_authors_error_is_one_line_and_exit_2(failing):
    error = ConfigError("127.0.0.1:18000 is already in use", hint="choose another with --port")
    assert failing(error) == (2, "", "legation: 127.0.0.1:18000 is already in use (choose another with --port)\n")


def test_the_systems_error_names_the_file(failing):
    assert failing(PermissionError(13, "Permission denied", "/x"))[2] == "legation: /x: Permission denied\n"


def test_errors_of_several_tasks_are_told_together(failing):
    inner = ExceptionGroup("", [ConfigError("two")])
    assert failing(ExceptionGroup("", [ConfigError("one"), inner])) == (2, "", "legation: one\ntwo\n")


def test_a_bug_keeps_its_traceback(failing):
    with pytest.raises(ExceptionGroup):
        failing(ExceptionGroup("", [ConfigError("one"), KeyError("two")]))
    with pytest.raises(KeyError):
        failing(KeyError("x"))
