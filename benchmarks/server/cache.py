"""What takes long to make is made once, into the user's cache folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def once(name: str, make: Callable[[Path], None]) -> Path:
    """The file or folder with this name; `make` is given the path at which to make it when it is not there, and nothing is
    left of it when that fails.
    """
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "legation" / "peers"
    if not (kept := folder / name).exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            made = Path(scratch, name)
            make(made)
            made.replace(kept)
    return kept
