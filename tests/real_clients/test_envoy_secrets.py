"""Certificates that a real Envoy is given by SDS."""

from __future__ import annotations

from certificate import shown
from gateway_site import free_port
from network import listener, secret, site
from patience import until

from xds.model.type_url import SDS

HOST, OTHER = "first.test", "second.test"


async def test_a_certificate_is_rotated_and_nothing_else_is_touched(edge, port, one):
    """Row 106: only the secret that changed is sent, and no listener drains."""
    other = free_port()
    listeners = listener("first", port, "all", secret="first"), listener("second", other, "all", secret="second")
    rest = *listeners, *site(free_port(), one)[1:], secret("second", OTHER, "old")
    async with edge(*rest, secret("first", HOST, "old")) as made:
        assert [await shown(port, HOST), await shown(other, OTHER)] == [(HOST, "old"), (OTHER, "old")]
        known = len(made.relay.answered)
        await made.publish(*rest, secret("first", HOST, "new"))

        async def rotated() -> bool:
            return await shown(port, HOST) == (HOST, "new")

        await until(rotated)
        (answer,) = made.relay.answered[known:]
        assert SDS.encode() in answer
        assert b"second" not in answer
        assert await shown(other, OTHER) == (OTHER, "old")
        assert await made.proxy.total(r"listener_manager\.listener_(modified|in_place_updated)") == 0
        assert await made.proxy.stalls() == []


async def test_a_listener_waits_for_its_certificate_and_holds_up_no_other(edge, port, one):
    """Row 106: Envoy is told that the secret does not exist, does not refuse that, and takes it when it does."""
    late = free_port()
    async with edge(*site(port, one)) as made:
        waiting = *site(port, one), listener("late", late, "all", secret="late")
        await made.publish(*waiting)
        await made.publish(*waiting, secret("late", HOST, "new"))

        async def served() -> bool:
            return await shown(late, HOST) == (HOST, "new")

        await until(served)
        assert await made.proxy.refused() == 0
