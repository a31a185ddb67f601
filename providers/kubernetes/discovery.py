"""Discovery: which kinds an API server has, under which path and in which version."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import anyio
import msgspec

from providers.kubernetes.api import Api, ApiError
from providers.kubernetes.pause import pauses
from xds.model import Kind

log = logging.getLogger(__name__)

T = TypeVar("T", bound=msgspec.Struct)

STARTING: Final = 30.0
"""Seconds that an API server may take to start."""


@dataclass(frozen=True, slots=True)
class Served:
    """A kind as the API server has it, in the version that is read. `plural` is its name in paths."""

    kind: Kind
    plural: str
    namespaced: bool
    version: str
    has_status: bool

    @property
    def resource(self) -> str:
        """What roles call it: `httproutes.gateway.networking.k8s.io`, or `services` of the core group."""
        return f"{self.plural}.{self.kind.group}".rstrip(".")

    @property
    def api_version(self) -> str:
        """What its objects say as `apiVersion`."""
        return f"{self.kind.group}/{self.version}".lstrip("/")

    def path(self, namespace: str = "", name: str = "", sub: str = "") -> str:
        """The path of one object, of all in a namespace, or of all there are; `sub` is `status`, for instance."""
        parts = (_group_path(self.kind.group), self.version, namespace and f"namespaces/{namespace}", self.plural, name, sub)
        return "/".join(filter(None, parts))


class _Resource(msgspec.Struct):
    name: str
    kind: str
    namespaced: bool


class _Resources(msgspec.Struct):
    resources: Sequence[_Resource] = ()


class _Version(msgspec.Struct):
    version: str


class _Group(msgspec.Struct, rename="camel"):
    versions: Sequence[_Version] = ()
    preferred_version: _Version | None = None


async def ready(api: Api) -> None:
    """Waits while the API server starts and does not know all of its kinds yet. One that is never quite ready is waited for
    no longer than `STARTING`, and one that does not tell not at all. Raises OSError when it cannot be reached.
    """
    with anyio.move_on_after(STARTING):
        for pause in pauses():
            if not await _is_starting(api):
                return
            await anyio.sleep(pause)


async def _is_starting(api: Api) -> bool:
    try:
        await api.read("/readyz")
    except ApiError as error:
        log.debug("it is waited for: %s", error)
        return error.status >= 500
    return False


async def served(api: Api, kinds: Collection[Kind]) -> Mapping[Kind, Served]:
    """Those of the kinds that are installed: in the version that each names, or else in the preferred one that has it."""
    read: dict[str, Sequence[_Resource]] = {}
    found = [await _served(api, kind, read) for kind in sorted(kinds)]
    return {one.kind: one for one in found if one}


async def _served(api: Api, kind: Kind, read: dict[str, Sequence[_Resource]]) -> Served | None:
    if found := await _in_version(api, kind, kind.version, read):
        return found
    for version in await _versions(api, kind.group):
        if found := await _in_version(api, kind, version, read):
            return found
    return None


async def _in_version(api: Api, kind: Kind, version: str, read: dict[str, Sequence[_Resource]]) -> Served | None:
    path = f"{_group_path(kind.group)}/{version}"
    if path not in read:
        read[path] = (await _read(api, path, _Resources)).resources
    for one in read[path]:
        if one.kind == kind.name and "/" not in one.name:
            has_status = any(other.name == f"{one.name}/status" for other in read[path])
            return Served(Kind(kind.group, kind.name, version), one.name, one.namespaced, version, has_status)
    return None


async def _versions(api: Api, group: str) -> Sequence[str]:
    """The versions of a group, the preferred one first; the core group has but one."""
    found = await _read(api, _group_path(group), _Group) if group else _Group()
    preferred = [found.preferred_version] if found.preferred_version else []
    return list(dict.fromkeys(one.version for one in (*preferred, *found.versions)))


async def _read(api: Api, path: str, kind: type[T]) -> T:
    """What is at this path; an empty one where there is nothing."""
    try:
        return msgspec.json.decode(await api.read(path), type=kind)
    except ApiError as error:
        if error.status != 404:
            raise
        return kind()


def _group_path(group: str) -> str:
    return f"/apis/{group}" if group else "/api"
