"""Tables: the rows of a scenario side by side, for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from benchmarks.result.row import Row, best, ratio
from benchmarks.server.table import OURS

Line = list[str]


def lines(rows: Iterable[Row]) -> Iterator[Line]:
    """A table as text: its head, then for every place (cell and metric) the medians of all servers, and how ours compares
    with the best of the others.
    """
    rows = list(rows)
    servers = list(dict.fromkeys(row.server for row in rows))
    compares = OURS in servers and len(servers) > 1
    yield ["cell", "metric", *servers, *(["ratio to the best peer"] if compares else [])]
    places: dict[tuple[str, ...], dict[str, Row]] = {}
    for row in rows:
        places.setdefault(row.place, {})[row.server] = row
    for (_, cell, metric, unit), found in places.items():
        values = [number(found[one].median, unit) if one in found else "" for one in servers]
        yield [cell, metric, *values, *([compared(list(found.values()))] if compares else [])]


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
