"""Access: the authority that the settings describe, and a warning where it lets in nobody."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Final

from xds.control.settings import Settings
from xds.server.authority import ANONYMOUS, LOCAL, Authority, is_loopback

log = logging.getLogger("legation")

REFUSED: Final = (
    "%s.address is %s, but proxies on %s are all refused: nothing tells who they are; "
    "set xds.tls.client_ca or authenticators, or let access have a rule for %s"
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
    for refused in _refused(settings, authority):
        log.warning(REFUSED, *refused)
    return authority


def _refused(settings: Settings, authority: Authority) -> Iterator[tuple[str, str, str, str]]:
    """What is reached in vain: section, address, from where, and as whom."""
    if settings.authenticators or (settings.xds.tls is not None and settings.xds.tls.client_ca is not None):
        return
    for section, one in (("xds", settings.xds), ("rest", settings.rest)):
        if one is None or (settings.runner is not None and is_loopback(one.address)):
            continue
        whence, who = ("this machine", LOCAL) if is_loopback(one.address) else ("other machines", ANONYMOUS)
        if not authority.lets_in(who):
            yield section, one.address, whence, str(who)
