#!/usr/bin/env python3
"""go-control-plane as a target: builds the program beside this file, once for each state of its sources, and becomes it.

    tests/wire/peers/go_control_plane.py -setup S|A|O|L [-content-versions]

It needs Go, and what its modules are downloaded from; without Go it says so and ends.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

NAME: Final = "go-control-plane"
SOURCES: Final = Path(__file__).with_name(NAME)
SETUPS: Final = ("S", "A", "O", "L")
"""Snapshot cache; with ads=true; and ordered ADS; linear caches behind a mux."""


def go() -> str | None:
    """The Go tool, on the PATH or where its installer puts it; None when there is none."""
    return shutil.which("go") or shutil.which("/usr/local/go/bin/go")


def program() -> Path:
    """The built program, in the user's cache folder. Raises FileNotFoundError when it has to be built and there is no Go,
    and CalledProcessError, after the compiler's own words, when it cannot be built.
    """
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    built = caches / "legation" / "peers" / f"{NAME}-{_state()}"
    if not built.exists():
        _build(built)
    return built


def _state() -> str:
    """A hash of all sources."""
    found = hashlib.sha256()
    for source in sorted(SOURCES.glob("*.*")):
        found.update(source.name.encode() + b"\0" + source.read_bytes())
    return found.hexdigest()[:12]


def _build(path: Path) -> None:
    tool = go()
    if tool is None:
        raise FileNotFoundError(f"{NAME} is not built, and there is no Go to build it with: see https://go.dev/dl")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        made = Path(folder, NAME)
        # Its words go to standard error: the first line of standard output is the target's.
        subprocess.run([tool, "build", "-buildvcs=false", "-o", made, "."], cwd=SOURCES, stdout=sys.stderr, check=True)
        made.replace(path)


def main() -> None:
    """Becomes the program, so that its end and its streams are this one's."""
    try:
        built = program()
    except FileNotFoundError as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError as error:
        sys.exit(f"{NAME} cannot be built: go build ended with {error.returncode}")
    os.execv(built, [str(built), *sys.argv[1:]])


if __name__ == "__main__":
    main()
