"""What the traffic sees when the control plane or an Envoy goes away and comes back."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from gateway_site import Site, ask, running
from load import load
from manifest import backend, gateway, route, to
from patience import until

from xds.codec.bootstrap import bootstrap


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
    assert "cannot open" not in site.log(), "the sockets of the one before are not somebody else's"


async def test_ctrl_c_ends_all_that_was_started(site):
    assert site.envoys()
    assert await site.stop() == 0
    assert not site.envoys()
    assert await ask(site.url) == "ClientConnectorError"


async def test_an_envoy_of_ones_own_keeps_what_it_has_when_the_control_plane_is_killed_and_started_again(home, dialect, one):
    """Versions are the same after a restart: no cluster warms again, no listener drains."""
    site = Site(home, dialect=dialect)
    site.save(gateway(site.port), route("all", to(one=1)), backend("one", one))
    site.bring_your_own()
    async with running(site), envoy_of_ones_own(home, site.xds, dialect):
        await site.answers("200 one", site.url)
        async with load(site.url) as traffic:
            modified = await site.stat("_modified")
            await site.stop(signal.SIGKILL)
            await traffic.more("200 one")
            await site.start()
            await site.said("default/site: connected", times=2)
            await traffic.more("200 one")
            assert await site.stat("_modified") == modified
            await site.said("default/site: live after", times=2)
            site.save(gateway(site.port), route("all", to(new=1)), backend("new", one))
            await site.said("HTTPRoute default/all changed")
            await site.said("default/site: live after", times=3)
            await traffic.more("200 one")
        assert not traffic.failures


@asynccontextmanager
async def envoy_of_ones_own(home, xds, dialect):
    """An Envoy that nobody but the test starts, from the bootstrap that Legation prints."""
    file, socket = home / "bootstrap.json", str(home / "admin.sock")
    file.write_text(json.dumps(bootstrap("default/site", "mine", ("127.0.0.1", xds), admin=socket, dialect=dialect)))
    program = str(Path(sys.executable).with_name("envoy"))
    command = [program, "-c", str(file), "--log-level", "error", "--use-dynamic-base-id"]
    process = await anyio.open_process(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        await process.wait()
