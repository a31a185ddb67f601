"""Plug-ins: found by name, and refused with a reason."""

from __future__ import annotations

import pytest

from xds.control import plugin
from xds.control.plugin import Plugin
from xds.model import ConfigError


@pytest.fixture(autouse=True)
def _strangers(acme):
    """Every test has plug-ins to name."""


def said(group: str, name: str) -> str:
    with pytest.raises(ConfigError) as caught:
        plugin.load(group, name)
    return str(caught.value)


def test_a_strangers_class_is_found():
    assert plugin.load(plugin.SOURCES, "echoes").__name__ == "Echoes"


def test_the_built_ins_are_found_the_same_way():
    assert {point.name for point in plugin.entry_points(group=plugin.PROVIDERS)} >= {"file", "memory"}


def test_an_unknown_name_lists_what_is_installed():
    assert "there is no source 'xyz' (installed: absent, echoes, envoy, gatewayapi" in said(plugin.SOURCES, "xyz")


def test_a_group_without_plug_ins_says_so():
    assert said(plugin.HOOKS, "x") == "there is no hook 'x' (nothing is installed for legation.hooks)"


def test_a_plug_in_that_cannot_be_imported_names_its_package():
    assert said(plugin.SOURCES, "gone") == (
        "the source 'gone' cannot be loaded from acme_gone:Source: No module named 'acme_gone'"
        " (it comes with the package acme; is that complete?)"
    )


def test_a_plug_in_that_its_module_lacks_names_its_package():
    assert "cannot be loaded from acme:Absent" in said(plugin.SOURCES, "absent")


def test_a_plug_in_whose_module_breaks_names_its_package():
    assert said(plugin.AUTHENTICATORS, "rash") == (
        "the authenticator 'rash' cannot be loaded from acme_rash:Tokens: KeyError: 'ACME_TOKEN'"
        " (importing it fails; it comes with the package acme)"
    )


def test_a_plug_in_that_cannot_be_made_says_why():
    with pytest.raises(ConfigError) as caught:
        Plugin(plugin.AUTHENTICATORS, "fragile", plugin.load(plugin.AUTHENTICATORS, "fragile")).make()
    assert str(caught.value) == (
        "the authenticator 'fragile' cannot be made: FileNotFoundError: [Errno 2] No such file or directory: 'tokens.txt'"
        " (it is acme.Fragile)"
    )


def test_what_is_no_class_is_refused():
    assert "the provider 'number' is no class, but 7" in said(plugin.PROVIDERS, "number")


def test_a_name_that_two_packages_offer_is_refused():
    assert said(plugin.SOURCES, "twice") == "the source 'twice' is offered by acme and rival (uninstall one of them)"


def test_a_class_without_its_roles_interface_is_refused():
    with pytest.raises(ConfigError, match="the source 'shapeless' is no Source: it lacks translate"):
        Plugin(plugin.SOURCES, "shapeless", plugin.load(plugin.SOURCES, "shapeless")).make()
