"""The watcher: waits for changes below directories, by inotify where the system has it.

It stands on the class behind `watchfiles.awatch`, for two things that `awatch` cannot do: the watch begins before the
files are read, so that no change falls in between, and waiting ends at once when it is cancelled.
https://watchfiles.helpmanual.io/api/rust_backend/
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from threading import Event
from typing import Final

import anyio
from anyio.to_thread import run_sync
from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

STEP_MS: Final = 1
"""How often the watch looks whether something came: a change is told within two steps. Idle it costs 2.5 % of a core."""

DEBOUNCE_MS: Final = 50
"""The longest that changes which follow one another are gathered."""


class Watcher:
    """Watches a set of directories, each without those below it."""

    def __init__(self) -> None:
        self._directories: frozenset[str] = frozenset()
        self._notify: RustNotify | None = None
        self._closed = Event()
        self.problem = ""
        """Why nothing can be watched; empty when all is well."""

    def cover(self, directories: frozenset[str]) -> bool:
        """Watches these from now on. True when that is new, so that something may have changed there unnoticed."""
        if directories == self._directories:
            return False
        try:
            self._notify, self.problem = RustNotify(sorted(directories), False, False, 0, False, True), ""
        except FileNotFoundError:
            return True
        except (OSError, WatchfilesRustInternalError) as error:
            self._notify, self.problem = None, str(error)
        self._directories = directories
        return True

    async def wait(self, concerns: Callable[[str], bool], until: float) -> frozenset[str]:
        """Returns the paths that changed when one of them concerns the caller; none, at a time of the monotonic clock."""
        while (left := until - time.monotonic()) > 0:
            if self._notify is None:
                await anyio.sleep(left)
                break
            watch = partial(self._notify.watch, DEBOUNCE_MS, STEP_MS, math.ceil(left * 1000), self._closed)
            changes = await run_sync(watch, abandon_on_cancel=True)
            paths = frozenset[str]() if isinstance(changes, str) else frozenset(path for _, path in changes)
            if not self._directories.isdisjoint(paths):
                # Under the same path there may be another directory now, and a watch follows the old one.
                self._directories = frozenset()
            if any(map(concerns, paths)):
                return paths
        return frozenset()

    def close(self) -> None:
        """Ends the watch, and a thread that still waits."""
        self._closed.set()
        self._notify = None
