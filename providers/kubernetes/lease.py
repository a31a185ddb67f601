"""The lease: which of several replicas leads, by a Lease in the API server, as client-go's leader election has it.

Whoever writes its name into a Lease that is free leads, and renews it. Clocks of different machines are never compared: a
Lease has expired when nobody was seen to renew it for as long as its holder promised to.
https://kubernetes.io/docs/concepts/architecture/leases/#leader-election
"""

from __future__ import annotations

import logging
import math
import os
import random
import secrets
import socket
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any, Final

import anyio
import msgspec

from providers.kubernetes.api import Api, ApiError
from providers.kubernetes.credentials import SERVICE_ACCOUNT
from providers.kubernetes.settings import Lease

log = logging.getLogger(__name__)

LEASES: Final = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"
RELEASE: Final = 2.0
"""Seconds that giving a lease up may take."""
RELEASED: Final = 1
"""Seconds for which a lease that was given up is still held, to those who do not look at its holder."""

Document = dict[str, Any]


class Candidate:
    """One replica that would lead.

    It leads for `renew` seconds from the moment it sent the last renewal that the server took. Nobody else takes the lease
    before it was seen unchanged for `duration` seconds, which are more and begin later.
    """

    def __init__(self, api: Api, lease: Lease) -> None:
        self._api, self._lease = api, lease
        self._path = LEASES.format(lease.namespace)
        self._known: Document = {}
        self._seen_at = self._leads_until = -math.inf
        self._told_trouble = ""

    async def lead(self) -> AsyncGenerator[bool]:
        """Whether this replica leads: first as it is, then whenever that changes. Cancelled, it gives the lease up."""
        led: bool | None = None
        try:
            while True:
                await self._attempt()
                before, led = led, self._leads
                if led is not before:
                    self._tell(before, led)
                    yield led
                await anyio.sleep(self._pause())
        finally:
            if led:
                await self._release()

    @property
    def _leads(self) -> bool:
        return anyio.current_time() < self._leads_until

    @property
    def _holder(self) -> str:
        """Who holds the lease, as far as is known; empty for nobody."""
        return (self._known.get("spec") or {}).get("holderIdentity") or ""

    def _pause(self) -> float:
        """Seconds to the next attempt, a little apart from others', and no longer than this replica leads."""
        pause = self._lease.retry * random.uniform(0.8, 1)  # noqa: S311  nobody gains by guessing it
        return min(pause, self._leads_until - anyio.current_time()) if self._leads else pause

    async def _attempt(self) -> None:
        """Takes or renews the lease, if that can be."""
        until = self._leads_until if self._leads else anyio.current_time() + self._lease.renew
        try:
            with anyio.CancelScope(deadline=until) as scope:
                await self._stand()
            if scope.cancelled_caught:
                self._complain("the API server does not answer")
        except (ApiError, OSError) as error:
            if not (isinstance(error, ApiError) and error.status == 409):  # somebody else was quicker
                self._complain(str(error))

    async def _stand(self) -> None:
        sent = anyio.current_time()
        await self._read()
        if self._is_free():
            await self._write(self._claim())
            self._leads_until = sent + self._lease.renew
        else:
            self._leads_until = -math.inf
        self._told_trouble = ""

    def _is_free(self) -> bool:
        """Whether this replica may write its name into the lease, or has."""
        promised = (self._known.get("spec") or {}).get("leaseDurationSeconds") or self._lease.duration
        return self._holder in ("", self._lease.identity) or anyio.current_time() >= self._seen_at + promised

    def _claim(self) -> Document:
        """What changes in the lease when it is taken, or renewed."""
        now = micro_time()
        held = {
            "holderIdentity": self._lease.identity,
            "leaseDurationSeconds": math.ceil(self._lease.duration),
            "renewTime": now,
        }
        if self._holder == self._lease.identity:
            return held
        before = self._known.get("spec")
        return {**held, "acquireTime": now, "leaseTransitions": (before.get("leaseTransitions") or 0) + 1 if before else 0}

    async def _release(self) -> None:
        """Gives the lease up, so that nobody has to wait until it expires."""
        now = micro_time()
        free = {"holderIdentity": "", "leaseDurationSeconds": RELEASED, "renewTime": now, "acquireTime": now}
        with anyio.move_on_after(RELEASE, shield=True):
            try:
                await self._read()
                if self._holder == self._lease.identity:
                    await self._write(free)
                    log.info("this replica leads no more: it gave %s up", self)
            except (ApiError, OSError) as error:
                log.warning("%s could not be given up, and expires in %d s: %s", self, self._lease.duration, error)

    async def _read(self) -> None:
        try:
            found = msgspec.json.decode(await self._api.read(f"{self._path}/{self._lease.name}"))
        except ApiError as error:
            if error.status != 404:
                raise
            found = {}
        self._note(found)

    async def _write(self, changes: Document) -> None:
        """Writes the lease as it was read with these changes in its spec. Fails where somebody wrote it meanwhile."""
        name = self._lease.name
        blank = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}}
        body = {**(self._known or blank), "spec": {**(self._known.get("spec") or {}), **changes}}
        method, path = ("PUT", f"{self._path}/{name}") if self._known else ("POST", self._path)
        answer = await self._api.send(method, path, msgspec.json.encode(body))
        self._note(msgspec.json.decode(answer))

    def _note(self, found: Document) -> None:
        """The lease as it is in the server now."""
        if found.get("spec") != self._known.get("spec"):
            self._seen_at = anyio.current_time()
        self._known = found

    def _tell(self, before: bool | None, now: bool) -> None:  # noqa: FBT001  the one it was, and the one it is
        if now:
            log.info("this replica leads: it holds %s as %s", self, self._lease.identity)
        elif before:
            why = self._told_trouble or f"{self._holder or 'nobody'} holds it"
            log.warning("this replica leads no more: it lost %s: %s", self, why)
        else:
            log.info("this replica does not lead: %s holds %s", self._holder or "nobody", self)

    def _complain(self, trouble: str) -> None:
        if trouble != self._told_trouble:
            log.warning("%s cannot be %s: %s", self, "renewed" if self._leads else "taken", trouble)
        self._told_trouble = trouble

    def __str__(self) -> str:
        return f"the Lease {self._lease.namespace}/{self._lease.name}"


def settled(lease: Lease, *, in_pod: bool) -> Lease:
    """The same lease with a namespace, in a pod its own, and an identity. Reads a file."""
    own = SERVICE_ACCOUNT / "namespace"
    namespace = lease.namespace or (own.read_text().strip() if in_pod and own.exists() else "default")
    identity = lease.identity or os.environ.get("POD_NAME") or f"{socket.gethostname()}-{secrets.token_hex(4)}"
    return msgspec.structs.replace(lease, namespace=namespace, identity=identity)


def micro_time() -> str:
    """The time of now as Kubernetes' MicroTime."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
