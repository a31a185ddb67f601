"""Rules: what the control plane may do in a cluster, which is what it does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from providers.install.sources import Needs
from xds.model import CLUSTER_SCOPED, Kind

Rule = dict[str, Any]

NAMESPACE: Final = Kind("", "Namespace")
READ: Final = ("list", "watch")
"""What the provider does with every kind."""
REREAD: Final = ("get",)
"""What the writer does with an object whose status somebody else has just written."""
REPORT: Final = ("patch",)
"""What the writer does with a status."""
LEASE: Final = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"]}


def reading(needs: Needs, kinds: Iterable[Kind]) -> list[Rule]:
    """The rules to read these kinds, and to write those of their statuses that are given."""
    every = frozenset(kinds)
    names = _Names(needs.definitions)
    reported = every & needs.reported
    return [
        *names.rules(every, READ),
        *names.rules(reported, REREAD),
        *names.rules(reported, REPORT, "/status"),
    ]


def of_names(namespaces: Sequence[str]) -> Rule:
    """The rule to read some namespaces, each asked for by its name."""
    return {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": list(namespaces), "verbs": list(READ)}


def leading(lease: str) -> list[Rule]:
    """The rules to hold one Lease. A name cannot be asked for where the object is yet to be created."""
    return [{**LEASE, "verbs": ["create"]}, {**LEASE, "resourceNames": [lease], "verbs": ["get", "update"]}]


def apart(kinds: Iterable[Kind]) -> tuple[frozenset[Kind], frozenset[Kind]]:
    """(those in no namespace, those in namespaces)."""
    every = frozenset(kinds)
    return every & CLUSTER_SCOPED, every - CLUSTER_SCOPED


class _Names:
    """What the API server calls the objects of a kind: as its definition says, or as Kubernetes' own plurals are made."""

    def __init__(self, definitions: Iterable[Mapping[str, Any]]) -> None:
        specs = [one["spec"] for one in definitions]
        self._defined = {Kind(spec["group"], spec["names"]["kind"]): spec["names"]["plural"] for spec in specs}

    def rules(self, kinds: Iterable[Kind], verbs: Sequence[str], sub: str = "") -> list[Rule]:
        """One rule for each API group."""
        groups: dict[str, list[str]] = {}
        for kind in sorted(kinds):
            groups.setdefault(kind.group, []).append(self._defined.get(kind, plural(kind.name)) + sub)
        return [{"apiGroups": [group], "resources": names, "verbs": list(verbs)} for group, names in groups.items()]


def plural(kind: str) -> str:
    """`httproutes` of HTTPRoute, `gatewayclasses` of GatewayClass, `backendtlspolicies` of BackendTLSPolicy."""
    word = kind.lower()
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")
