"""What `go test` itself says of the tests. The suite's own report is not asked: it counts failing tests as passed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

ROOT: Final = "TestConformance"
Result = Literal["pass", "fail", "skip"]
ENDS: Final = ("pass", "fail", "skip")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one test of the suite ended, and all that was said in it."""

    test: str
    result: Result
    seconds: float
    said: str


class Hearing:
    """Listens to the events of `go test -json`, line by line."""

    def __init__(self) -> None:
        self._said: dict[str, list[str]] = {}

    def hear(self, line: str) -> Verdict | None:
        """The verdict that an event is, when it is one; of the suite as a whole it is the one with an empty name."""
        event: dict[str, Any] = json.loads(line)
        root, _, below = event.get("Test", "").partition("/")
        name, _, deeper = below.partition("/")
        if root != ROOT:
            return None
        if event["Action"] == "output":
            self._said.setdefault(name, []).append(event["Output"])
        if event["Action"] not in ENDS or deeper:
            return None
        return Verdict(name, event["Action"], event.get("Elapsed", 0.0), "".join(self._said.pop(name, ())))

    def unheard(self) -> Iterator[Verdict]:
        """Those that began and did not end, as failures: the suite came to its time limit, or died."""
        for name in list(self._said):
            yield Verdict(name, "fail", 0.0, "".join(self._said.pop(name)))


def of(lines: Iterable[str]) -> list[Verdict]:
    """All verdicts of some lines."""
    hearing = Hearing()
    found = [verdict for line in lines if (verdict := hearing.hear(line)) is not None]
    return [*found, *hearing.unheard()]
