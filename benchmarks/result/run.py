"""Runs: the rows of one run, and everything that says what they are worth."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from benchmarks.result.row import Row


class Run(Struct, frozen=True):
    """One run: `machine` are facts about it by name; `versions` those of the servers, and of what carries them, by name;
    `commit` is of the sources, empty where they come without git; `notes` say what was left out, and why.
    """

    machine: Mapping[str, str]
    versions: Mapping[str, str]
    commit: str
    seed: int
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def as_json(self) -> bytes:
        """All of it, for programs."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"

    @classmethod
    def read(cls, file: Path) -> Run:
        """A run that was written as JSON. Raises msgspec.ValidationError for what is none."""
        return msgspec.json.decode(file.read_bytes(), type=cls)
