"""Grants: whether an object may refer to one of another namespace."""

from __future__ import annotations

from typing import NamedTuple

from sources.gatewayapi.known import Known
from sources.gatewayapi.schema.grant import ReferenceGrant
from sources.graph import Reader
from xds.model import Key, Kind


class Crossing(NamedTuple):
    """A reference from objects of one kind and namespace to one object."""

    kind: Kind
    namespace: str
    to: Key

    @property
    def wish(self) -> str:
        """What its author is told where it is not granted."""
        return (
            f"{self.to} is in another namespace; a ReferenceGrant in namespace {self.to.namespace} must permit"
            f" {self.kind}s of namespace {self.namespace}"
        )


def granted(read: Reader, crossing: Crossing) -> bool:
    """Whether a reference stays in its namespace, or a ReferenceGrant over there permits it."""
    if crossing.namespace == crossing.to.namespace:
        return True
    return any(_permits(read.input(key), crossing) for key in read.group("grants", crossing.to.namespace))


def _permits(grant: Known[ReferenceGrant] | None, crossing: Crossing) -> bool:
    if grant is None:
        return False
    kind, to = crossing.kind, crossing.to
    spec = grant.document.spec
    return (kind.group, kind.name, crossing.namespace) in (
        (one.group, one.kind, one.namespace) for one in spec.from_
    ) and any((one.group, one.kind) == (to.kind.group, to.kind.name) and one.name in (None, to.name) for one in spec.to)
