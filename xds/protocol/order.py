"""The order tables: what goes out before what, what holds on to what, and how each type treats what is not there.

XP = https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from xds.model.type_url import CDS, ECDS, EDS, LDS, RDS, RTDS, SDS, SRDS, VHDS

ORDER: Final = (CDS, EDS, SDS, LDS, SRDS, RDS, VHDS)
"""Make before break (XP "Eventual consistency considerations"): a type goes out after the types it may name. Types that
are not listed go last."""

LEGACY_WILDCARD: Final = frozenset({CDS, LDS, SRDS})
"""Types of which a first request without names asks for all (XP "How the client specifies what resources to return")."""

FULL_STATE: Final = frozenset({CDS, LDS, SRDS})
"""Types whose SotW response lists everything, so that what is missing from it is deleted (XP "Grouping Resources into
Responses")."""

PARENTS: Final[Mapping[str, tuple[str, ...]]] = {
    CDS: (LDS, RDS, VHDS),
    EDS: (CDS,),
    SDS: (CDS, LDS),
    RDS: (LDS, SRDS),
}
"""The types that may name a resource of this type. It is not removed before every parent that is about to let go of it
has been accepted."""

NEEDS_CLUSTERS: Final = frozenset({LDS, SRDS, RDS, VHDS})
"""Types that wait until the clusters they name are in force at the client."""

SILENT_WHEN_MISSING: Final = frozenset({SDS, ECDS, RTDS})
"""Types of which a missing resource is not reported as removed in delta: Envoy refuses an update of secrets that only
removes (envoy#24373, envoy#32832), and drops an extension's configuration (envoy#32823)."""


def place(type_url: str) -> int:
    """The place of a type in the order."""
    return ORDER.index(type_url) if type_url in ORDER else len(ORDER)
