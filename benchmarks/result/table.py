"""Tables: the rows of a scenario side by side, for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.result.row import Cell, Row, best, ratio
from benchmarks.server.table import OURS


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as text. `common` are the parameters that all its lines share; a line has the others, the metric, the median
    of every server, and how ours compares with the best of the others.
    """

    common: Cell
    head: Sequence[str]
    lines: Sequence[Sequence[str]]

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Sheet:
        """The table of one scenario's rows."""
        rows = list(rows)
        names = list(dict.fromkeys(name for row in rows for name in row.cell))
        common = {
            name: one for name in names if (one := rows[0].cell.get(name)) and all(row.cell.get(name) == one for row in rows)
        }
        varying = [name for name in names if name not in common]
        servers = list(dict.fromkeys(row.server for row in rows))
        compares = ["ratio to the best peer"] if OURS in servers and len(servers) > 1 else []
        lines = [
            [
                *(str(found[0].cell.get(name, "")) for name in varying),
                found[0].metric,
                *(_median(found, server) for server in servers),
                *(compared(found) for _ in compares),
            ]
            for found in _by_place(rows).values()
        ]
        return cls(common, [*varying, "", *servers, *compares], lines)


def compared(rows: Sequence[Row]) -> str:
    """How ours compares with the best of the others in one place: the ratio, and its spread over the runs."""
    ours = next((row for row in rows if row.server == OURS), None)
    peer = best(row for row in rows if row.server != OURS)
    found = ratio(ours, peer) if ours and peer else None
    if found is None:
        return ""
    spread = f" ({found.least:.2f}..{found.most:.2f})" if found.least != found.most else ""
    return f"{found.middle:.2f}{spread}"


def number(value: float, unit: str) -> str:
    """A number with three figures, and its unit."""
    digits = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".strip()


def _by_place(rows: Iterable[Row]) -> Mapping[tuple[str, ...], list[Row]]:
    places: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        places.setdefault(row.place, []).append(row)
    return places


def _median(rows: Iterable[Row], server: str) -> str:
    return next((number(row.median, row.unit) for row in rows if row.server == server), "")
