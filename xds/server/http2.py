"""HTTP/2 for many connections: h2's, with what all of them have alike kept once, and what is seldom needed made late."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.settings import ChangedSetting, SettingCodes, Settings
from hyperframe.frame import Frame

Code = SettingCodes | int

DEFAULTS: Final[Mapping[Code, int]] = dict(Settings(client=True))
"""What holds of a client before it says anything (RFC 9113, 6.5.2)."""
KNOWN: Final = frozenset(SettingCodes)
NOTHING: Final[Mapping[Code, int]] = {}


class ClientSettings(Settings):
    """What a client said of itself. h2 acknowledges it at once, so none is ever waited for; unknown ones are not kept."""

    def __init__(self) -> None:  # h2's own makes a queue for every setting
        self._client = True
        self._agreed, self._said = DEFAULTS, NOTHING

    def acknowledge(self) -> dict[Code, ChangedSetting]:
        """From now on what the client said holds. Returns what it changes."""
        changed = {code: ChangedSetting(code, self._agreed.get(code), value) for code, value in self._said.items()}
        self._agreed, self._said = _alike(*{**self._agreed, **self._said}.items()), NOTHING
        return changed

    def __getitem__(self, code: Code) -> int:
        return self._agreed[code]

    def __setitem__(self, code: Code, value: int) -> None:
        if code in KNOWN:
            self._said = {**self._said, code: value}

    def __delitem__(self, code: Code) -> None:
        self._agreed = {known: value for known, value in self._agreed.items() if known != code}

    def __iter__(self) -> Iterator[Code]:
        return iter(self._agreed)

    def __len__(self) -> int:
        return len(self._agreed)


@lru_cache(maxsize=64)
def _alike(*settings: tuple[Code, int]) -> Mapping[Code, int]:
    """One mapping for all clients that say the same."""
    return dict(settings)


class Entries(list[Any]):
    """The entries of a header table, of which there are few: h2's own have room for 64 from the start."""

    __slots__ = ()

    def appendleft(self, entry: Any) -> None:
        """Adds one at the beginning."""
        self.insert(0, entry)


METHODS: Final[Mapping[type[Frame], str]] = {
    kind: method.__name__
    for kind, method in H2Connection(H2Configuration(client_side=False))._frame_dispatch_table.items()  # noqa: SLF001
}
"""Which method of h2's takes which kind of frame."""


class Methods:
    """The methods for each kind of frame, by the table above: h2 itself makes such a table for every connection."""

    __slots__ = ("_http2",)

    def __init__(self, http2: Http2) -> None:
        self._http2 = http2

    def __getitem__(self, kind: type[Frame]) -> Callable[..., Any]:
        return cast(Callable[..., Any], getattr(self._http2, METHODS[kind]))


class Http2(H2Connection):
    """One connection, told the settings of the server; they never change, and are one object for all connections. No walk
    over all streams whenever one opens.
    """

    def __init__(self, config: H2Configuration, settings: Settings) -> None:
        super().__init__(config)
        self.local_settings, self.remote_settings = settings, ClientSettings()
        self._frame_dispatch_table = Methods(self)  # type: ignore[assignment]  # all of a dict that is used
        for coder in (self.encoder, self.decoder):
            coder.header_table.dynamic_entries = Entries()  # type: ignore[assignment]  # all of a deque that is used
        self._sweep_at = 0

    @property
    def open_inbound_streams(self) -> int:
        """How many there are at most: those that were closed count until there are twice as many as at the last count."""
        if len(self.streams) >= self._sweep_at:
            most = self.local_settings.max_concurrent_streams
            self._sweep_at = min(2 * super().open_inbound_streams + 64, most)
        return len(self.streams)
