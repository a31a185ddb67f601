"""Runs: the rows of one run, and everything that says what they are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from benchmarks.result.row import Row


class Run(Struct, frozen=True):
    """One run: `machine` are facts about it by name; `versions` those of the servers, and of what carries them, by name;
    `commit` is of the sources, empty where they come without git; `earlier` has the commit at which a scenario was measured,
    by id, where it is another. `notes` say what was left out, and why.
    """

    machine: Mapping[str, str]
    versions: Mapping[str, str]
    commit: str
    seed: int
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    earlier: Mapping[str, str] = {}

    def over(self, before: Run, order: Sequence[str]) -> Run:
        """This run, and what one before it has of other scenarios; `order` is that of all of them, by id."""
        own = {row.scenario for row in self.rows}
        kept = [row for row in before.rows if row.scenario not in own]
        return replace(
            self,
            versions={**before.versions, **self.versions},
            rows=tuple(sorted((*self.rows, *kept), key=lambda row: order.index(row.scenario))),
            notes=tuple(dict.fromkeys((*before.notes, *self.notes))),
            earlier={row.scenario: before.earlier.get(row.scenario, before.commit) for row in kept},
        )

    def as_json(self) -> bytes:
        """All of it, for programs."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"

    @classmethod
    def read(cls, file: Path) -> Run:
        """A run that was written as JSON. Raises msgspec.ValidationError for what is none."""
        return msgspec.json.decode(file.read_bytes(), type=cls)
