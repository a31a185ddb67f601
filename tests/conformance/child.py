"""A program that runs beside us, with its words in a file."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

SECONDS: Final = 20.0
"""How long a program that is told to end may take before it is killed."""


class Child:
    """A program that can be started, killed, and started again. As a context it is started, and has ended after it."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self._command, self._log, self._environment = command, log, environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, in a session of its own: Ctrl-C is for us alone."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=subprocess.STDOUT, env=self._environment, start_new_session=True
            )

    def kill(self) -> None:
        """Kills it, as the kernel does when memory is short."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def end(self) -> None:
        """Tells it to end, and waits until it has."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def check(self) -> None:
        """Raises RuntimeError, with its last words, when it has ended by itself."""
        if self._process is not None and (code := self._process.poll()) is not None:
            last = self._log.read_text(errors="replace").splitlines()[-5:]
            raise RuntimeError(f"{' '.join(self._command[:2])} ended with {code}:\n" + "\n".join(last))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.end()
