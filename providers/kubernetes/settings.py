"""The settings of the Kubernetes provider: which cluster, what of it, and who leads among replicas."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Seconds = Annotated[float, Meta(gt=0)]


class Lease(Struct, frozen=True, forbid_unknown_fields=True):
    """The Lease by which replicas agree on who leads, and its times in seconds.

    Without a `namespace` it is the one that this runs in, or `default` outside of a cluster. Without an `identity` it is
    the name of the pod, or that of the host with something random. Who leads says so again `retry` after it did, may go on
    for `renew` without being heard, and is followed by another after `duration`.
    """

    name: str = "legation"
    namespace: str = ""
    identity: str = ""
    duration: Seconds = 15
    renew: Seconds = 10
    retry: Seconds = 2

    def __post_init__(self) -> None:
        """Raises ValueError for times with which two could lead at once."""
        if not self.retry < self.renew < self.duration:
            raise ValueError("retry must be less than renew, and renew less than duration")


LEASE = Lease()


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """Without a `kubeconfig` (a path) and a `context` (a name in it) it is the cluster that this runs in, and outside of one
    what `kubectl` would take: $KUBECONFIG, or else ~/.kube/config.

    `namespaces` are names, `namespace_selector` is a label selector; without either, all are read. `controller_name` is what
    GatewayClasses name, and marks our entries in statuses. Without a `lease` there is no leadership: this one always leads.
    """

    kubeconfig: str | None = None
    context: str | None = None
    namespaces: tuple[str, ...] = ()
    namespace_selector: str = ""
    controller_name: str = "legation.dev/gateway"
    lease: Lease | None = LEASE

    def __post_init__(self) -> None:
        """Raises ValueError for settings that contradict one another."""
        if self.namespaces and self.namespace_selector:
            raise ValueError("namespaces and namespace_selector do not go together: take one of the two out")
