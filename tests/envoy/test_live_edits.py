"""What an edit of the manifest does to the traffic, under a constant load, in both dialects."""

from __future__ import annotations

import os
import signal

from gateway_site import ask, free_port, serving
from load import load
from manifest import backend, document, gateway, route, to
from patience import until


async def serve(site, *documents):
    """Saves a manifest with one Gateway, and waits until its first backend answers `one`; gives the URL."""
    port = free_port()
    site.save(gateway(port), *documents)
    url = f"http://127.0.0.1:{port}/"
    await site.answers("200 one", url)
    return url, port


async def test_a_new_route_is_served_and_a_removed_one_is_not(shared, one, two):
    backends = backend("one", one), backend("two", two)
    url, port = await serve(shared, route("all", to(one=1)), *backends)
    async with load(url) as running:
        shared.save(gateway(port), route("all", to(one=1)), route("new", to("/new", two=1)), *backends)
        await shared.answers("200 two", url + "new")
        shared.save(gateway(port), route("all", to(one=1)), *backends)
        await shared.answers("200 one", url + "new")
        shared.save(gateway(port), route("new", to("/new", two=1)), *backends)
        await shared.answers("404 ", url)
        await running.only("404 ")
    assert set(running.answers) == {"200 one", "404 "}


async def test_a_backend_that_is_added_with_its_route_never_answers_503(shared, one, two):
    """Make before break: the route goes out when its new cluster is in force."""
    url, port = await serve(shared, route("all", to(one=1)), backend("one", one))
    for name in ("first", "second", "third"):
        async with load(url) as running:
            shared.save(gateway(port), route("all", to(**{name: 1})), backend(name, two))
            await running.only("200 two")
            shared.save(gateway(port), route("all", to(one=1)), backend("one", one))
            await running.only("200 one")
        assert not running.failures


async def test_a_shift_of_weights_drops_nothing(shared, one, two):
    backends = backend("one", one), backend("two", two)
    url, port = await serve(shared, route("all", to(one=1, two=0)), *backends)
    async with load(url) as running:
        for first, second in ((90, 10), (50, 50), (10, 90)):
            shared.save(gateway(port), route("all", to(one=first, two=second)), *backends)
            await running.more("200 two")
        shared.save(gateway(port), route("all", to(one=0, two=1)), *backends)
        await running.only("200 two")
    assert not running.failures


async def test_a_backend_moves_to_another_port_and_the_old_one_goes_away(shared, one):
    """A change of endpoints alone; nothing is asked of the old ones after it."""
    async with serving("old") as old:
        port = free_port()
        shared.save(gateway(port), route("all", to(moving=1)), backend("moving", old))
        url = f"http://127.0.0.1:{port}/"
        await shared.answers("200 old", url)
        async with load(url) as running:
            shared.save(gateway(port), route("all", to(moving=1)), backend("moving", one))
            await running.only("200 one")
            assert not running.failures
    async with load(url) as running:
        await running.only("200 one")
    assert not running.failures


async def test_a_route_is_repointed_and_its_old_backend_removed_at_once(shared, one, two):
    url, port = await serve(shared, route("all", to(one=1)), backend("one", one))
    async with load(url) as running:
        for _ in range(3):
            shared.save(gateway(port), route("all", to(two=1)), backend("two", two))
            await running.only("200 two")
            shared.save(gateway(port), route("all", to(one=1)), backend("one", one))
            await running.only("200 one")
    assert not running.failures


async def test_a_change_of_the_cluster_alone_is_live_without_a_stall(shared, one):
    """Envoy warms a changed cluster until its endpoints come again, and waits 15 s for them when they do not."""
    url, port = await serve(shared, route("all", to(one=1)), backend("one", one))

    async def refused():
        return (await ask(url)).startswith("50")

    for _ in range(3):
        shared.save(gateway(port), route("all", to(one=1)), backend("one", one, appProtocols=["gateway.envoyproxy.io/h2c"]))
        await until(refused)  # the backend speaks no HTTP/2
        shared.save(gateway(port), route("all", to(one=1)), backend("one", one))
        await shared.answers("200 one", url)


async def test_a_broken_file_is_told_with_its_line_and_the_traffic_goes_on(shared, one, two):
    url, port = await serve(shared, route("all", to(one=1)), backend("one", one))
    good = shared.manifest.read_text()
    line = good[: good.index(f"port: {port}")].count("\n") + 1
    async with load(url) as running:
        shared.manifest.write_text(good.replace(f"port: {port}", "port: 65536"))
        await shared.said(rf"error .*site\.yaml:{line}: Gateway default/site: spec\.listeners\[0\]\.port must be between")
        await running.more("200 one")
        shared.manifest.write_text(good + "a: [broken\n")
        await shared.said(r"error .*site\.yaml:\d+: .*is not valid YAML")
        await running.more("200 one")
        shared.save(gateway(port), route("all", to(two=1)), backend("two", two))
        await running.only("200 two")
        await shared.said("no longer wrong: .*all is well")
    assert not running.failures


async def test_an_envoy_that_is_killed_comes_back_and_serves(shared, one):
    url, _ = await serve(shared, route("all", to(one=1)), backend("one", one))
    (before,) = shared.envoys()
    os.kill(before, signal.SIGKILL)
    await shared.said("its Envoy was killed by SIGKILL; it starts again")
    await shared.answers("200 one", url)
    (after,) = shared.envoys()
    assert after != before


async def test_endpoints_that_are_missing_answer_503_at_once_and_hold_up_nothing(shared, one):
    """A Service without an EndpointSlice has a cluster without endpoints, which Envoy must not wait for."""
    url, port = await serve(shared, route("all", to(one=1)), backend("one", one))
    service = document("v1", "Service", "empty", spec={"ports": [{"port": 80}]})
    nowhere = {"matches": to("/none")["matches"], "backendRefs": [{"name": "empty", "port": 80}]}
    shared.save(gateway(port), route("all", to(one=1), to("/new", one=1), nowhere), service, backend("one", one))
    await shared.answers("503 no healthy upstream", url + "none")
    assert await ask(url + "new") == "200 one"
