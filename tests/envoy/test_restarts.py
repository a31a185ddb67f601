"""What the traffic sees when the control plane or an Envoy goes away and comes back."""

from __future__ import annotations

import signal

import pytest
from gateway_site import Site, ask, running
from load import load
from manifest import backend, gateway, route, to
from patience import until


@pytest.fixture
async def site(home, dialect, one):
    """A site of its own, whose route answers `one`."""
    made = Site(home, dialect=dialect)
    made.save(gateway(made.port), route("all", to(one=1)), backend("one", one))
    async with running(made):
        await made.answers("200 one", made.url)
        yield made


async def test_a_control_plane_that_is_killed_and_started_again_drops_nothing(site, two):
    """The Envoys of the one that was killed serve on until those of the new one do."""
    before = site.envoys()
    async with load(site.url) as traffic:
        await site.stop(signal.SIGKILL)
        await traffic.more("200 one")
        assert site.envoys() == before
        await site.start()
        await site.said("default/site: live after", times=2)
        await traffic.more("200 one")
        site.save(gateway(site.port), route("all", to(two=1)), backend("two", two))
        await traffic.only("200 two")
        await until(lambda: len(site.envoys()) == 1)
        await traffic.more("200 two")
    assert not traffic.failures
    assert site.envoys() != before


async def test_ctrl_c_ends_all_that_was_started(site):
    assert site.envoys()
    assert await site.stop() == 0
    assert not site.envoys()
    assert await ask(site.url) == "ClientConnectorError"
