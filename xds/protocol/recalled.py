"""What a client says that it holds from an earlier stream: versions, without content."""

from __future__ import annotations

from collections.abc import Iterator, KeysView, Mapping

from xds.model import Resource


class Recalled(Mapping[str, Resource]):
    """Resources of one type of which only name and version are known."""

    __slots__ = ("_type_url", "versions")

    def __init__(self, type_url: str, versions: Mapping[str, str]) -> None:
        self._type_url, self.versions = type_url, versions

    def keys(self) -> KeysView[str]:
        """The names."""
        return self.versions.keys()

    def __getitem__(self, name: str) -> Resource:
        return Resource(self._type_url, name, self.versions[name], b"")

    def __iter__(self) -> Iterator[str]:
        return iter(self.versions)

    def __len__(self) -> int:
        return len(self.versions)
