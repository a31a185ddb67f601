"""The order tables: what goes out before what, what holds on to what, and how each type treats what is not there.

XP = https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from xds.model.type_url import CDS, ECDS, EDS, LDS, LEDS, RDS, RTDS, SDS, SRDS, VHDS

ORDER: Final = (CDS, EDS, LEDS, SDS, ECDS, LDS, RDS, SRDS, VHDS)
"""Make before break (XP "Eventual consistency considerations"): a type goes out after the types it may name. Types that
are not listed go last."""

BY_NAME: Final = frozenset({EDS, LEDS, SDS, ECDS, RDS, VHDS, RTDS})
"""Types of which clients ask for resources by name. All others, those that nobody here knows among them, may be asked for
as a whole: see `is_whole`."""

PARENTS: Final[Mapping[str, tuple[str, ...]]] = {
    CDS: (LDS, ECDS, RDS, SRDS, VHDS),
    EDS: (CDS,),
    SDS: (CDS, LDS),
    ECDS: (LDS,),
    RDS: (LDS, SRDS),
}
"""The types that may name a resource of this type. It is not removed before every parent that is about to let go of it
has been accepted."""

LET_GO: Final = frozenset({CDS})
"""Types that a client which asks for them by name (gRPC) lets go of by itself, once it has all that its routes name now: to
be told earlier that one is gone fails its calls."""

NEEDS_CLUSTERS: Final = frozenset({LDS, ECDS, SRDS, RDS, VHDS})
"""Types that wait until the clusters they name are in force at the client."""

BY_ALIAS: Final = frozenset({VHDS})
"""Types of which a client asks for a resource by one of its aliases, too
(https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/vhds)."""

TOLD_MISSING: Final = frozenset({CDS, LDS, SRDS, RDS})
"""Types of which SotW tells, in `resource_errors`, that a name does not exist. Of the last one that may be all that the
response says: Envoy takes no notice, and gRPC need not wait 15 s for it."""

WARMED_BY: Final[Mapping[str, tuple[str, ...]]] = {CDS: (EDS, SDS), EDS: (LEDS,), LDS: (SDS,), RDS: (VHDS,)}
"""The types that a changed resource of this type waits for before it takes the place of the one before. Envoy names no
virtual host before a request needs it, and waits 15 s for a word of any in the name of a route configuration."""

LASTING: Final = frozenset({VHDS})
"""Types whose resources are sent without their TTL: Envoy knows no heartbeats of them, and would lose them all."""

SILENT_WHEN_MISSING: Final = frozenset({SDS, ECDS})
"""Types of which a missing resource is not reported as removed in delta: there were clients that refuse an update of
secrets that only removes (envoy#24373, envoy#32832), or drop an extension's configuration (envoy#32823)."""

SILENT_TO_ENVOY: Final = frozenset({RDS, ECDS})
"""The same for an Envoy: when it is told that there are no such routes, or no such extension, it waits for them without
end, and when it is told nothing, for 15 s."""

OUTLASTING: Final = frozenset({RDS})
"""Types whose removal Envoy takes no notice of: as long as it asks for the name, requests on connections that drain go
where the last resource said."""

NEVER_REMOVED: Final = frozenset({ECDS})
"""Types that are not removed in delta: Envoy answers 500 where a listener still names it (envoy#32823), and lets go of it by
itself where none does."""


def is_whole(type_url: str) -> bool:
    """Whether a first request without names asks for everything of a type (XP "How the client specifies what resources to
    return"), and a SotW response lists everything, so that what is missing from it is deleted (XP "Grouping Resources
    into Responses").
    """
    return type_url not in BY_NAME


def place(type_url: str) -> int:
    """The place of a type in the order."""
    return ORDER.index(type_url) if type_url in ORDER else len(ORDER)
