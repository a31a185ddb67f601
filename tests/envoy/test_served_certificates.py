"""HTTPS: which certificate is shown to whom, and what a new one means for the connections that are open."""

from __future__ import annotations

import aiohttp
from certificate import secret, shown, unverified
from gateway_site import free_port
from manifest import backend, gateway, https, route, to
from patience import until


async def test_the_server_name_chooses_among_several_certificates(shared, one):
    """Two certificates in one listener, and a listener of its own for a third name."""
    port = free_port()
    listeners = https(port, "a", "b"), https(port, "c", hostname="c.example.com")
    secrets = [secret(name, f"{name}.example.com") for name in "abc"]
    shared.save(gateway(listeners=listeners), route("all", to(one=1)), backend("one", one), *secrets)
    await shared.answers("200 one", f"https://127.0.0.1:{port}/", ssl=unverified())
    for host in ("a.example.com", "b.example.com", "c.example.com"):
        assert await shown(port, host) == (host, "first")
    assert (await shown(port, "elsewhere.org"))[0] == "a.example.com"


async def test_a_new_certificate_is_shown_and_no_connection_is_drained(shared, one):
    port = free_port()
    rest = gateway(listeners=[https(port, "a")]), route("all", to(one=1)), backend("one", one)
    shared.save(*rest, secret("a", "a.example.com"))
    url = f"https://127.0.0.1:{port}/"
    await shared.answers("200 one", url, ssl=unverified())

    async def renewed():
        return await shown(port, "a.example.com") == ("a.example.com", "second")

    async def note(*_):
        opened.append(port)

    opened, trace = [], aiohttp.TraceConfig()
    trace.on_connection_create_end.append(note)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=unverified()), trace_configs=[trace]) as session:
        await ask_over(session, url)
        modified = await shared.stat("listener_manager.listener_modified")
        shared.save(*rest, secret("a", "a.example.com", organisation="second"))
        await until(renewed)
        await ask_over(session, url)
    assert len(opened) == 1
    assert await shared.stat("listener_manager.listener_modified") == modified


async def ask_over(session: aiohttp.ClientSession, url: str) -> None:
    """Asks once, over a connection that is open already if there is one; Envoy does not ask to close it."""
    async with session.get(url) as answer:
        assert await answer.text() == "one"
        assert "connection" not in answer.headers
