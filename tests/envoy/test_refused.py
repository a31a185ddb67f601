"""What an Envoy refuses, and what that means for everything beside it."""

from __future__ import annotations

import os
import signal

import pytest
from gateway_site import Site, running
from load import load
from manifest import backend, gateway, route, to

SPOILER = '''
import msgspec


class Spoiler:
    """Takes the connect timeout from the clusters of Backends named spoiled, which only Envoy minds."""

    class Settings(msgspec.Struct):
        pass

    message = "envoy.config.cluster.v3.Cluster"

    def __init__(self, settings):
        pass

    def edit(self, message):
        if message.name.endswith("/spoiled") and message.typed_extension_protocol_options:
            message.connect_timeout.seconds = 0
        return message
'''
H2C = {"appProtocols": ["gateway.envoyproxy.io/h2c"]}


@pytest.fixture
async def site(home, dialect, one):
    """A site with a hook that makes Envoy refuse the cluster of a Backend `spoiled` that speaks HTTP/2."""
    plugins = home / "plugins"
    (plugins / "spoiler-1.dist-info").mkdir(parents=True)
    (plugins / "spoiler.py").write_text(SPOILER)
    (plugins / "spoiler-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: spoiler\nVersion: 1\n")
    (plugins / "spoiler-1.dist-info" / "entry_points.txt").write_text("[legation.hooks]\nspoiler = spoiler:Spoiler\n")
    made = Site(home, dialect=dialect)
    made.hook("spoiler", plugins)
    made.save(gateway(made.port), route("all", to(one=1)), backend("one", one))
    async with running(made):
        await made.answers("200 one", made.url)
        yield made


async def test_a_refused_cluster_beside_good_ones_is_told_and_stops_nothing(site, one, two):
    """One refusal, however much else changes after it; and an Envoy that starts later never meets it."""
    rules = to(one=1), to("/spoiled", spoiled=1)
    spoiled = backend("spoiled", one, **H2C)
    async with load(site.url) as traffic:
        site.save(gateway(site.port), route("all", *rules), backend("one", one), spoiled)
        words = await site.said("cds backend/default/spoiled was refused")
        assert "ConnectTimeout" in words
        for number in range(10):
            new = to(f"/new-{number}", two=1)
            site.save(gateway(site.port), route("all", *rules, new), backend("one", one), backend("two", two), spoiled)
            await site.answers("200 two", f"{site.url}new-{number}")
        assert 1 <= await site.stat("update_rejected") <= 2
    assert not traffic.failures

    (refused,) = (await site.page("/proxies"))["refused"]
    assert (refused["type"], refused["name"], refused["kept"]) == ("cds", "backend/default/spoiled", False)
    assert "ConnectTimeout" in refused["message"]
    (failing,) = (await site.status("Backend default/spoiled"))["failing"]
    assert failing["type"] == "Programmed"
    assert "ConnectTimeout" in failing["message"]

    os.kill(site.envoys()[0], signal.SIGKILL)
    await site.said("its Envoy was killed by SIGKILL")
    await site.answers("200 one", site.url)
    assert await site.stat("update_rejected") == 0


async def test_the_last_good_bytes_of_a_refused_cluster_stay_in_force(site, one, two):
    rules = to(one=1), to("/spoiled", spoiled=1)
    site.save(gateway(site.port), route("all", *rules), backend("one", one), backend("spoiled", two))
    await site.answers("200 two", site.url + "spoiled")
    async with load(site.url + "spoiled") as traffic:
        site.save(gateway(site.port), route("all", *rules), backend("one", one), backend("spoiled", two, **H2C))
        await site.said("cds backend/default/spoiled was refused: .*its last good version stays in force")
        await traffic.more("200 two")
        site.save(gateway(site.port), route("all", *rules), backend("one", one), backend("spoiled", one))
        await traffic.only("200 one")
        assert (await site.page("/proxies"))["refused"] == []
        assert (await site.status("Backend default/spoiled"))["failing"] == []
    assert not traffic.failures
    assert 1 <= await site.stat("update_rejected") <= 2
