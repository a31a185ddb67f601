"""Access: settings that would let in nobody are told."""

from __future__ import annotations

import pytest

from xds.control import settings
from xds.control.access import authority_of

NONE = "providers: {memory: {}}\nsources: {echoes: {}}\n"
OPEN = "runner: none\nxds: {address: 0.0.0.0}\nrest: {address: '::'}\n"


@pytest.fixture(autouse=True)
def _strangers(acme):
    """Every test has plug-ins to name."""


def test_an_address_for_other_machines_that_are_all_refused_is_told(write, caplog):
    authority_of(settings.load(write("s.yaml", NONE + OPEN)))
    assert [one.args[:2] for one in caplog.records] == [("xds", "0.0.0.0"), ("rest", "::")]
    assert "set xds.tls.client_ca or authenticators, or let access have a rule for anonymous" in caplog.text


def test_rules_that_let_in_nobody_of_this_machine_are_told(write, caplog):
    authority_of(settings.load(write("s.yaml", NONE + "runner: none\naccess: [{who: ['spiffe://*']}]\n")))
    (told,) = [one.getMessage() for one in caplog.records]
    assert told.startswith("xds.address is 127.0.0.1, but proxies on this machine are all refused")
    assert told.endswith("or let access have a rule for local")


@pytest.mark.parametrize(
    "text",
    [
        "runner: none\n",
        OPEN + "access: [{who: [anonymous]}]\n",
        OPEN + "authenticators: {tokens: {}}\n",
        "runner: none\nxds: {address: 0.0.0.0, tls: {certificate: a, key: b, client_ca: c}}\n",
        "runner: none\nxds: {address: localhost}\n",
    ],
)
def test_nothing_is_told_where_somebody_can_be_let_in(write, caplog, text):
    authority_of(settings.load(write("s.yaml", NONE + text)))
    assert not caplog.records


@pytest.mark.parametrize(("more", "told"), [("", True), (", {who: [local], types: [cds]}", False)])
def test_rules_that_refuse_our_own_proxies_are_told(write, caplog, more, told):
    text = f"runner: {{host: {{}}}}\naccess: [{{who: ['spiffe://*']}}{more}]\n"
    authority_of(settings.load(write("s.yaml", NONE + text)))
    assert ("access has no rule for local: proxies that the runner host starts" in caplog.text) == told
    assert len(caplog.records) == told
