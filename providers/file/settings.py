"""Settings: which files are read, and how large one may be."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct

MAX_FILE_BYTES: Final = 16 * 1024 * 1024


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """`paths` are files and directories, shown to people as they are given here."""

    paths: Annotated[tuple[str, ...], Meta(min_length=1)]
    max_file_bytes: Annotated[int, Meta(gt=0)] = MAX_FILE_BYTES
