"""Programs in Go that come as sources: each is built once for each state of them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from benchmarks.server.cache import once


def go() -> str | None:
    """The Go tool, on the PATH or where its installer puts it; None when there is none."""
    return shutil.which("go") or shutil.which("/usr/local/go/bin/go")


@dataclass(frozen=True, slots=True)
class GoProgram:
    """A program whose `sources` are one folder with a main package and its go.mod."""

    name: str
    sources: Path

    def built(self) -> Path:
        """The program. Raises FileNotFoundError when it has to be built and there is no Go, and CalledProcessError, after
        the compiler's own words, when it cannot be built.
        """
        return once(f"{self.name}-{self._state()}", self._build)

    def become(self, arguments: Sequence[str]) -> NoReturn:
        """Becomes the program, so that its end and its streams are this one's; ends with words when it cannot be built."""
        try:
            built = self.built()
        except FileNotFoundError as error:
            sys.exit(str(error))
        except subprocess.CalledProcessError as error:
            sys.exit(f"{self.name} cannot be built: go build ended with {error.returncode}")
        os.execv(built, [str(built), *arguments])

    def _state(self) -> str:
        """A hash of all sources."""
        found = hashlib.sha256()
        for source in sorted(self.sources.glob("*.*")):
            found.update(source.name.encode() + b"\0" + source.read_bytes())
        return found.hexdigest()[:12]

    def _build(self, path: Path) -> None:
        tool = go()
        if tool is None:
            raise FileNotFoundError(f"{self.name} is not built, and there is no Go to build it with: see https://go.dev/dl")
        # Its words go to standard error: the first line of standard output is the program's.
        subprocess.run([tool, "build", "-buildvcs=false", "-o", path, "."], cwd=self.sources, stdout=sys.stderr, check=True)
