"""The suite's tests: in which profiles each counts, and what it needs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

import msgspec

PROFILES: Final = ("GATEWAY-HTTP", "GATEWAY-GRPC", "GATEWAY-TLS", "GATEWAY-TCP", "GATEWAY-UDP")
Level = Literal["core", "extended"]


class Entry(msgspec.Struct, frozen=True):
    """One test: profile -> how it counts there, and the features without which it is skipped."""

    name: str
    levels: Mapping[str, Level]
    features: tuple[str, ...]


def catalogue(programs: Path) -> Sequence[Entry]:
    """All tests of the suite that is in the folder."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "catalogue")
        command = [str(programs / "conformance.test"), "-test.run=^TestCatalogue$"]
        subprocess.run(command, env={**os.environ, "CATALOGUE": str(file)}, stdout=subprocess.DEVNULL, check=True)
        return msgspec.json.decode(f"[{','.join(file.read_text().splitlines())}]", type=tuple[Entry, ...])
