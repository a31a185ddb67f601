"""What an Envoy is started with."""

from __future__ import annotations

import json
import math
import socket
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE

import anyio
from anyio.abc import Process

from providers.host.log import FORMAT
from providers.host.settings import Settings
from xds.codec.bootstrap import bootstrap


@dataclass(frozen=True, slots=True)
class Launch:
    """What all Envoys of one control plane have in common: the program, the settings, whom they ask, their directory."""

    program: str
    settings: Settings
    xds: tuple[str, int]
    directory: Path

    async def start(self, group: str, home: Path) -> Process:
        """Starts an Envoy of the group, with its files in `home`. Raises OSError when it cannot be started.

        It runs in a session of its own: Ctrl-C in our terminal is ours, and it is drained before it ends.
        """
        admin = str(home / "admin.sock")
        settings = self.settings
        body = bootstrap(
            group,
            f"{group}@{socket.gethostname()}",
            self.xds,
            admin=admin,
            dialect=settings.dialect,
            load_reports=settings.load_reports,
        )
        await anyio.Path(home).mkdir(mode=0o700, exist_ok=True)
        file = home / "bootstrap.json"
        await anyio.Path(file).write_text(json.dumps(body, indent=2))
        arguments = self._arguments(file)
        return await anyio.open_process(arguments, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, start_new_session=True)

    def _arguments(self, file: Path) -> list[str]:
        settings = self.settings
        threads = [] if settings.concurrency is None else ["--concurrency", str(settings.concurrency)]
        return [
            *(self.program, "-c", str(file)),
            *("--log-level", settings.log_level, "--log-format", FORMAT),
            *("--drain-time-s", str(math.ceil(settings.drain_seconds))),
            "--disable-hot-restart",
            *threads,
        ]
