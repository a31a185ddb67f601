"""What real clients see of their connections to the control plane: that they end now and then, and who may have one."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
from envoy_proxy import GROUP, Proxy, running
from issuer import Issuer
from load import load
from mesh import calling, saying, tree
from network import site
from patience import until

from xds.codec.bootstrap import over_tls as secured
from xds.model import Snapshot
from xds.server.authority import Authority, Rule
from xds.server.tls import Tls
from xds.server.transport import Transport
from xds.server.xds_server import XdsServer

AGE = 0.5
KEPT = r"(cluster_manager\.cluster|listener_manager\.listener)_(added|modified|removed)"


@pytest.fixture
def renewals(caplog):
    """How many streams have begun."""
    caplog.set_level("INFO", "xds.server.discovery")
    return lambda: caplog.text.count(f"{GROUP}: connected")


@pytest.fixture
def envoy(program, dialect, home):
    """Makes an Envoy of a control plane."""
    return lambda address: Proxy(program, home / "1", address, dialect)


@asynccontextmanager
async def serving(resources, **options):
    server = XdsServer(**options)
    await server.publish(GROUP, Snapshot.of(resources))
    async with server.serve() as address:
        yield server, address


async def test_connections_that_grow_old_are_not_noticed_by_the_traffic(envoy, port, one, two, renewals):
    """Row 112: no request fails, nothing warms or drains anew, and what is published meanwhile arrives."""
    async with serving(site(port, one), transport=Transport(max_connection_age_seconds=AGE)) as (server, address):
        async with (
            running(envoy(address)) as proxy,
            load(f"http://127.0.0.1:{port}/") as traffic,
        ):
            await traffic.more("200 one")
            before = await proxy.stats(KEPT)
            begun = renewals()
            await until(lambda: renewals() >= begun + 3)
            assert await proxy.stats(KEPT) == before
            await server.publish(GROUP, Snapshot.of(site(port, two)))
            await traffic.only("200 two")
            assert await proxy.stalls() == []
        assert not traffic.failures


async def test_connections_that_grow_old_are_not_noticed_by_callers_without_a_proxy(renewals):
    """Row 112."""
    async with saying("one") as one, saying("two") as two:
        transport = Transport(max_connection_age_seconds=AGE)
        async with serving(tree("shop", one), transport=transport) as (server, address), calling(address) as caller:
            assert await caller.calls("shop") == {"one": 1}
            begun = renewals()
            while renewals() < begun + 3:
                assert await caller.calls("shop", 20) == {"one": 20}
            await server.publish(GROUP, Snapshot.of(tree("shop", two)))
            await caller.only("shop", "two")


async def test_an_envoy_tries_every_address_of_a_name(envoy, port, one):
    """`localhost` has an IPv6 address, too, where nobody listens."""
    async with serving(site(port, one)) as (_, address), running(envoy(("localhost", address[1]))):
        pass


def files_of(issuer: Issuer, name: str) -> dict[str, str]:
    """What a client with a certificate of this name has."""
    certificate, key = issuer.issue(name)
    return {"authority": str(issuer.file), "certificate": str(certificate), "key": str(key)}


def over_tls(proxy: Proxy, issuer: Issuer, name: str) -> Proxy:
    """The same Envoy, which shows a certificate of this name to the control plane."""
    proxy._bootstrap = secured(proxy._bootstrap, **files_of(issuer, name))
    return proxy


async def test_a_caller_without_a_proxy_is_known_by_its_certificate(home):
    """Rows 121, 122."""
    issuer = Issuer(home, "ours")
    shown = files_of(issuer, "server")
    tls = Tls(shown["certificate"], shown["key"], client_ca=str(issuer.file))
    authority = Authority([Rule(who=("*.edge",), groups=(GROUP,))])
    async with saying("one") as one:
        options = {"transport": Transport(tls=tls), "authority": authority}
        async with serving(tree("shop", one), **options) as (_, address):
            async with calling(address, tls=files_of(issuer, "one.edge")) as caller:
                assert await caller.calls("shop") == {"one": 1}
            async with calling(address, tls=files_of(issuer, "one.core")) as caller:
                (ending,) = await caller.calls("shop")
                assert "one.core may not ask for the node group 'edge'" in ending


async def test_an_envoy_is_known_by_its_certificate_and_goes_on_when_the_servers_is_renewed(
    envoy, home, port, one, two, renewals
):
    """Rows 121, 122, with connections that grow old: the new certificate is what the next one is made with."""
    issuer = Issuer(home, "ours")
    certificate, key = issuer.issue("server")
    tls = Tls(str(certificate), str(key), client_ca=str(issuer.file))
    options = {
        "transport": Transport(tls=tls, max_connection_age_seconds=AGE),
        "authority": Authority([Rule(who=("*.edge",), groups=(GROUP,))]),
    }
    async with serving(site(port, one), **options) as (server, address):
        proxy = over_tls(envoy(address), issuer, "one.edge")
        async with running(proxy), load(f"http://127.0.0.1:{port}/") as traffic:
            await traffic.more("200 one")
            issuer.issue("server")
            begun = renewals()
            await until(lambda: renewals() >= begun + 3)
            await server.publish(GROUP, Snapshot.of(site(port, two)))
            await traffic.only("200 two")
        assert not traffic.failures
