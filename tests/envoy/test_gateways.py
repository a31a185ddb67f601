"""Gateways: several at once, one that goes, one whose port somebody else has, and ones that have nothing to serve yet."""

from __future__ import annotations

import socket

from gateway_site import ask, free_port
from load import load
from manifest import backend, gateway, route, to
from patience import until


def named(name, port, **shares):
    """A Gateway with a route of the same name."""
    return gateway(port, name=name), route(name, to(**shares), parent=name)


async def test_every_gateway_has_an_envoy_and_one_that_goes_takes_nothing_with_it(shared, one, two):
    first, second = free_port(), free_port()
    backends = backend("one", one), backend("two", two)
    shared.save(*named("first", first, one=1), *named("second", second, two=1), *backends)
    await shared.answers("200 one", f"http://127.0.0.1:{first}/")
    await shared.answers("200 two", f"http://127.0.0.1:{second}/")
    assert len(shared.envoys()) == 2
    async with load(f"http://127.0.0.1:{first}/") as traffic:
        shared.save(*named("first", first, one=1), *backends)
        await until(lambda: len(shared.envoys()) == 1)
        assert await ask(f"http://127.0.0.1:{second}/") == "ClientConnectorError"
        await traffic.more("200 one")
    assert not traffic.failures


async def test_a_gateway_without_a_route_answers_404_at_once(shared):
    """No cluster, no endpoints: Envoy must be told that there are none, or it waits 15 s before it opens a listener."""
    port = free_port()
    shared.save(gateway(port, name="bare"))
    await shared.answers("404 ", f"http://127.0.0.1:{port}/")


async def test_a_gateway_moves_to_another_port(shared, one):
    before, after = free_port(), free_port()
    shared.save(*named("moving", before, one=1), backend("one", one))
    await shared.answers("200 one", f"http://127.0.0.1:{before}/")
    shared.save(*named("moving", after, one=1), backend("one", one))
    await shared.answers("200 one", f"http://127.0.0.1:{after}/")
    await shared.answers("ClientConnectorError", f"http://127.0.0.1:{before}/")


async def test_an_address_that_this_host_does_not_have_is_told_on_the_gateway(shared):
    port = free_port()
    away = gateway(port, name="away")
    away["spec"]["addresses"] = [{"value": "127.0.0.1"}, {"value": "192.0.2.1"}]
    shared.save(away)
    await shared.said(f"lds tcp-{port} was refused: .*cannot bind '192.0.2.1:{port}': Cannot assign requested address")

    async def told():
        return "AddressNotUsable" in [one["reason"] for one in (await shared.status("Gateway default/away"))["failing"]]

    await until(told)
    away["spec"]["addresses"].pop()
    shared.save(away)
    await shared.answers("404 ", f"http://127.0.0.1:{port}/")


async def test_a_port_that_somebody_else_has_is_told_and_the_other_listeners_are_served(shared, one):
    port = free_port()
    with socket.create_server(("127.0.0.1", free_port())) as other:
        taken = other.getsockname()[1]
        shared.save(gateway(port, taken, name="half"), route("all", to(one=1), parent="half"), backend("one", one))
        await shared.answers("200 one", f"http://127.0.0.1:{port}/")
        await shared.said(f"lds tcp-{taken} was refused: .*cannot bind '127.0.0.1:{taken}': Address already in use")

        async def told():
            failing = (await shared.status("Gateway default/half"))["failing"]
            return [one for one in failing if one["type"] == "Programmed" and "cannot bind" in one["message"]]

        await until(told)
        assert await ask(f"http://127.0.0.1:{port}/") == "200 one"
    await shared.answers("200 one", f"http://127.0.0.1:{taken}/")
