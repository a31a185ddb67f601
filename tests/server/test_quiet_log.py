"""What is served is nobody's business who reads the log."""

from __future__ import annotations

import logging

from discovery_world import NODE

from xds.codec import resource
from xds.model import Resource
from xds.model.type_url import SDS
from xds.protocol import SOTW

KEY = "wW0rdOfAKey"


def secret(name: str, mark: str) -> Resource:
    return resource({"@type": SDS, "name": name, "generic_secret": {"secret": {"inline_string": KEY + mark}}})


async def test_no_body_is_in_the_log(world, dialect, caplog):
    """Row 124: not when it is published, sent, accepted, refused or asked for with nonsense, however much is logged."""
    caplog.set_level(logging.DEBUG)
    world.publish(edge=(secret("one", "1"),))
    names = ("one",) if dialect is SOTW else ()
    call = world.open(dialect)
    await call.send(SDS, ("one",), node=NODE)
    got = await call.read()
    await call.send(SDS, names, response_nonce=got.nonce)
    world.publish(edge=(secret("one", "2"),))
    got = await call.read()
    await call.send(SDS, names, response_nonce=got.nonce, error_detail={"code": 13, "message": "one: it is no key"})
    await world.until(lambda: list(world.fleet.refusals()))
    await call.send("")
    await call.end()
    assert "it is no key" in caplog.text
    assert KEY not in caplog.text
