"""The check of one proxy: it decodes all that comes, and finds what is missing, doubled or out of order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any, Final

from benchmarks.client.dialect import Dialect, Held
from xds.codec.message import decode, encode
from xds.model.type_url import short_type

MARK: Final = re.compile(rb"change-(\d{9})")
MOST: Final = 32 << 20
"""Bytes of responses that may wait to be looked at: decoding takes time that the other proxies would wait for."""
FEW: Final = 5
"""Names that a complaint lists."""

Digests = Mapping[str, Mapping[str, str]]
"""Type URL -> name -> digest of a resource."""


def digest(type_url: str, body: bytes) -> str:
    """A digest of what a resource says, however it is encoded."""
    return blake2b(encode(decode(type_url, body)), digest_size=8).hexdigest()


class Check:
    """What one proxy holds, and what was wrong with what it was told."""

    def __init__(self, dialect: Dialect, proxy: str) -> None:
        self._dialect, self._proxy = dialect, proxy
        self._delta = not dialect.version
        self._waiting: list[bytes] = []
        self._size = 0
        self._held: dict[str, dict[str, tuple[str, bytes]]] = {}
        self._versions: dict[str, str] = {}
        self.faults: Counter[str] = Counter()

    def take(self, message: bytes) -> None:
        """Keeps a response, to be looked at when there is time."""
        self._waiting.append(message)
        self._size += len(message)
        if self._size > MOST:
            self.work()

    def work(self) -> None:
        """Looks at all that was kept."""
        for message in self._waiting:
            self._read(self._dialect.parse(message))
        self._waiting, self._size = [], 0

    def begin(self, kept: frozenset[str]) -> None:
        """A new stream begins, which holds these types from the one before."""
        self.work()
        self._held = {type_url: held for type_url, held in self._held.items() if type_url in kept}

    def held(self, type_url: str) -> Held:
        """What the proxy would say it holds when it came back."""
        self.work()
        versions = {name: version for name, (version, _) in self._held.get(type_url, {}).items()}
        return Held(self._versions.get(type_url, ""), versions if self._delta else {})

    def verify(self, expected: Digests) -> Iterator[str]:
        """What was wrong, in words, now that the proxy should hold exactly this of these types."""
        self.work()
        for words, times in self.faults.items():
            yield f"{self._proxy}: {words}" + (f" ({times} times)" if times > 1 else "")
        for type_url, named in expected.items():
            have = {name: digest(type_url, body) for name, (_, body) in self._held.get(type_url, {}).items()}
            differing = {name for name in named.keys() & have.keys() if named[name] != have[name]}
            for words, names in (
                ("never came", named.keys() - have.keys()),
                ("came, and should not be there", have.keys() - named.keys()),
                ("is not as it was set", differing),
            ):
                if names:
                    yield f"{self._proxy}: {short_type(type_url)} {_listed(sorted(names))} {words}"

    def _read(self, response: Any) -> None:
        short = short_type(response.type_url)
        came = [self._resource(one) for one in response.resources]
        before = self._held.get(response.type_url, {})
        for name, times in Counter(name for name, *_ in came).items():
            if times > 1:
                self.faults[f"{short} {name} came {times} times in one response"] += 1
        for name, version, body in came:
            if name in before and _mark(body) < _mark(before[name][1]):
                self.faults[f"{short} {name} came as it was before: out of order"] += 1
            if self._delta and name in before and before[name] == (version, body):
                self.faults[f"{short} {name} came again, and nothing was new"] += 1
        now = {name: (version, body) for name, version, body in came}
        kept = before if self._dialect.adds(response.type_url) else {}
        gone = frozenset(response.removed_resources) if self._delta else frozenset()
        self._held[response.type_url] = {name: one for name, one in (kept | now).items() if name not in gone}
        if not self._delta:
            self._versions[response.type_url] = response.version_info

    def _resource(self, one: Any) -> tuple[str, str, bytes]:
        """(name, version, body); SotW says neither name nor version."""
        if self._delta:
            return one.name, one.version, one.resource.value
        message: Any = decode(one.type_url, one.value)
        return getattr(message, "cluster_name", "") or message.name, "", one.value


def _mark(body: bytes) -> int:
    found = MARK.search(body)
    return int(found[1]) if found else 0


def _listed(names: list[str]) -> str:
    more = len(names) - FEW
    return ", ".join(names[:FEW]) + (f" and {more} more" if more > 0 else "")
