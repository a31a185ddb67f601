"""The settings of the source, and how the graph reads them."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from msgspec import Struct

from sources.graph import Reader


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """`controller_name`: the GatewayClasses that name it are ours. `bind_address`: where Gateways without
    `spec.addresses` listen. `address_pool`: a network such as 127.0.10.0/24, out of which each of them gets an address of
    its own instead. `one_network`: whether the proxies of all Gateways are in one network, such as a host's: then of two
    Gateways that want one address and port only the older has it.

    Raises ValueError when an address is none.
    """

    controller_name: str = "legation.dev/gateway"
    bind_address: str = "0.0.0.0"  # noqa: S104  a gateway listens to the world unless told otherwise
    address_pool: str | None = None
    one_network: bool = True

    def __post_init__(self) -> None:
        try:
            ip_address(self.bind_address)
        except ValueError:
            raise ValueError(f"bind_address must be an IP address, not {self.bind_address!r}") from None
        try:
            ip_network(self.address_pool or "::/128")
        except ValueError as error:
            raise ValueError(f"address_pool must be a network such as 127.0.10.0/24: {error}") from None


def settings(read: Reader, _: None) -> Settings:
    """The settings in force."""
    known: Settings = read.input(Settings)
    return known
