"""Where Gateways listen."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.gatewayapi import GatewayApi, Settings
from xds.model import Object, Objects

POOL = "127.0.10.0/28"
NAMES = st.lists(st.sampled_from([f"gateway-{number}" for number in range(30)]), unique=True, max_size=20)


def gateway(name: str, created: int = 0) -> Object:
    """A Gateway without addresses; the larger `created`, the younger."""
    return Object.of(
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {"name": name, "creationTimestamp": f"2026-01-01T00:00:{created:02}Z"},
            "spec": {"gatewayClassName": "x", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]},
        }
    )


def addresses(names: list[str], pool: str = POOL) -> dict[str, str]:
    """Who gets which address of a pool; the Gateways are named from old to young."""
    world = Objects.of(gateway(name, created) for created, name in enumerate(names))
    groups = GatewayApi(Settings(address_pool=pool)).translate(world).groups
    return {name.removeprefix("default/"): group.listens[0].address for name, group in groups.items()}


@given(NAMES)
def test_every_gateway_has_an_address_of_its_own_as_long_as_there_are_any(names):
    lent = addresses(names)
    assert len(lent) == len(set(lent.values())) == min(len(names), 14)
    assert all(ip_address(one) in list(ip_network(POOL).hosts()) for one in lent.values())


@given(NAMES)
def test_a_younger_gateway_takes_no_address_away(names):
    lent = addresses(names)
    before = addresses(names[:-1])
    assert {name: lent[name] for name in before} == before


@pytest.mark.parametrize(
    ("pool", "size"), [("127.0.10.5/32", 1), ("127.0.10.4/31", 2), ("127.0.10.4/30", 2), ("fd00::/126", 4)]
)
def test_a_pool_lends_every_address_that_a_host_can_have(pool, size):
    assert len(addresses([f"g{number}" for number in range(6)], pool)) == size


def test_the_bind_address_is_that_of_every_gateway_without_its_own():
    translation = GatewayApi(Settings(bind_address="127.0.0.9")).translate(Objects.of([gateway("g")]))
    (listen,) = translation.groups["default/g"].listens
    assert (listen.address, listen.port, listen.name, listen.url) == ("127.0.0.9", 80, "tcp-80", "http://127.0.0.9:80")


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"bind_address": "localhost"}, "bind_address must be an IP address, not 'localhost'"),
        ({"address_pool": "127.0.10.1/24"}, "address_pool must be a network such as 127.0.10.0/24"),
        ({"adress_pool": "127.0.10.0/24"}, "unknown field `adress_pool`"),
    ],
)
def test_a_wrong_setting_is_refused(section, message):
    with pytest.raises(msgspec.ValidationError, match=message):
        msgspec.convert(section, Settings)
