"""Access: the authority that the settings describe, and a warning where it lets in nobody."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Final

from xds.control.settings import Settings
from xds.server.authority import ANONYMOUS, LOCAL, Authority, is_loopback

log = logging.getLogger("legation")

REFUSED: Final = (
    "%s.address is %s, but proxies on other machines are all refused: nothing tells who they are; "
    "set xds.tls.client_ca or authenticators, or let access have a rule for anonymous"
)
OUR_OWN: Final = (
    "access has no rule for local: proxies that the runner %s starts here are refused, unless they prove who they are; "
    "add a rule with who: [local], or write runner: none"
)


def authority_of(settings: Settings) -> Authority:
    """Who may ask for what. Warns where proxies would all be refused."""
    authority = Authority(settings.access, [one.make() for one in settings.authenticators])
    if settings.runner is not None and not authority.lets_in(LOCAL):
        log.warning(OUR_OWN, settings.runner.name)
    for section, address in _open(settings, authority):
        log.warning(REFUSED, section, address)
    return authority


def _open(settings: Settings, authority: Authority) -> Iterator[tuple[str, str]]:
    """(section, address) of what other machines reach in vain."""
    certified = settings.xds.tls is not None and settings.xds.tls.client_ca is not None
    if certified or settings.authenticators or authority.lets_in(ANONYMOUS):
        return
    for section, one in (("xds", settings.xds), ("rest", settings.rest)):
        if one is not None and not is_loopback(one.address):
            yield section, one.address
