"""How far we are: a table of the profiles, and what differs from the list of the tests that are expected to pass."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from catalogue import Entry
from verdict import Verdict

EXPECTED: Final = Path(__file__).with_name("expected.txt")
LEVELS: Final = ("core", "extended")


def names(file: Path) -> frozenset[str]:
    """The names in a file, one a line; what follows a # is a remark."""
    lines = (line.partition("#")[0].strip() for line in file.read_text().splitlines())
    return frozenset(line for line in lines if line)


@dataclass(frozen=True, slots=True)
class Score:
    """The tests that were asked for, how each ended, and which of them had to pass."""

    entries: Sequence[Entry]
    verdicts: Mapping[str, Verdict]
    expected: Collection[str]

    def lost(self) -> Sequence[str]:
        """Those that had to pass and did not: they failed, or did not run."""
        return [entry.name for entry in self.entries if entry.name in self.expected and self._result(entry) != "pass"]

    def won(self) -> Sequence[str]:
        """Those that pass without having to."""
        return [entry.name for entry in self.entries if entry.name not in self.expected and self._result(entry) == "pass"]

    def table(self, profiles: Sequence[str]) -> Iterator[str]:
        """A row for each profile: of its tests, how many pass; then each failing test by name."""
        yield f"{'':14}{'core':>16}{'extended':>16}   not claimed"
        for profile in profiles:
            of = {level: [one for one in self.entries if one.levels.get(profile) == level] for level in LEVELS}
            row = "".join(f"{self._count(of[level], 'pass'):>10} of {len(of[level]):<2}" for level in LEVELS)
            yield f"{profile:14}{row}   {sum(self._count(of[level], 'skip') for level in LEVELS)}"
        for entry in self.entries:
            if self._result(entry) == "fail":
                levels = set(entry.levels.values())
                yield f"failed ({', '.join(sorted(levels))}): {entry.name}"

    def _count(self, entries: Sequence[Entry], result: str) -> int:
        return sum(self._result(entry) == result for entry in entries)

    def _result(self, entry: Entry) -> str:
        verdict = self.verdicts.get(entry.name)
        return verdict.result if verdict else "skip"
