"""Runs the wire suite: `run.py` against our server and its peers, `run.py TARGET` against another one.

python tests/wire/run.py                      # writes RESULTS.json and RESULTS.md
python tests/wire/run.py "path/to/program"    # prints what that server does not do
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from behaviours import behaviours
from case import load
from peers.go_control_plane import SETUPS
from results import Outcome, run
from table import Column, Result, column, write
from target import TargetError, started

from benchmarks.server.go_program import go

HERE: Final = Path(__file__).parent
OURS: Final = f"{HERE / 'ours.py'}"
GO_CONTROL_PLANE: Final = f"{HERE / 'peers' / 'go_control_plane.py'} -setup"


class Progress:
    """One line that says how far some targets are."""

    def __init__(self, of: int) -> None:
        self._of, self._since = of, time.monotonic()
        self._done = self._failed = 0

    def __call__(self, outcome: Outcome) -> None:
        self._done += 1
        self._failed += bool(outcome.failure)
        if sys.stderr.isatty() or self._done == self._of:
            past = time.monotonic() - self._since
            sys.stderr.write(f"\r{self._done}/{self._of} cases, {self._failed} failed, {past:.0f} s ")
            sys.stderr.flush()


async def measure(commands: Sequence[str]) -> Sequence[Column]:
    """Starts these targets, runs every case against each of them, and ends them."""
    cases = load()
    progress = Progress(len(cases) * len(commands))

    async def one(command: str) -> Column:
        async with started(command) as target:
            return column(target, await run(target, cases, progress))

    columns = await asyncio.gather(*map(one, commands))
    sys.stderr.write(f"{', '.join(one.target.name for one in columns)}\n")
    return columns


def tell(one: Column) -> None:
    """Prints what a target does not do, and the totals."""
    for row, cell in one.cells.items():
        if cell.result is Result.FAIL:
            print(f"{row:>4} {behaviours()[row].level} {behaviours()[row]}")
            print(*(f"         {failure}" for failure in cell.failures[:3]), sep="\n")
    for level, counts in one.totals().items():
        print(f"{level}: " + ", ".join(f"{number} {result}" for result, number in sorted(counts.items())))


def peers() -> Sequence[str]:
    """The commands of the other servers of the table, where they can be built."""
    return [f"{GO_CONTROL_PLANE} {setup}" for setup in SETUPS] if go() else []


def beside() -> Sequence[Column]:
    """The columns of the peers; none where they cannot be built, which is no fault of ours."""
    try:
        return asyncio.run(measure(peers()))
    except TargetError as error:
        sys.stderr.write(f"{error}; the table stays as it is\n")
        return ()


def main() -> int:
    """The exit status is 1 when ours, or the target that is named, fails a row that is not a policy."""
    parser = argparse.ArgumentParser(description="What an xDS server shows on the wire.")
    parser.add_argument("target", nargs="?", help="the command of another server; see README.md")
    target = parser.parse_args().target
    try:
        columns = asyncio.run(measure([target or OURS]))
    except TargetError as error:
        sys.exit(str(error))
    if not target and (others := beside()):
        write([*columns, *others])
    tell(columns[0])
    failed = (row for row, cell in columns[0].cells.items() if cell.result is Result.FAIL)
    return int(any(behaviours()[row].level != "P" for row in failed))


if __name__ == "__main__":
    sys.exit(main())
