"""The table: what was measured, as data, as Markdown and in the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.table import Table
from target import Target

from benchmarks.headline.rows import Row

TITLE: Final = """\
# Headline numbers

From one run of `make headline`, with Envoy {}; never edited by hand.
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One row in one dialect: the numbers by the titles of the columns; None for what did not come to an end."""

    row: Row
    dialect: str
    values: Mapping[str, float | None]

    def cells(self) -> list[str]:
        """The line as text."""
        return [self.row.what, self.dialect, *(_text(value, self.row.unit) for value in self.values.values())]

    def data(self) -> dict[str, Any]:
        """The line as data."""
        row = self.row
        told = {"row": row.what, "meaning": row.meaning, "unit": row.unit, "dialect": self.dialect}
        return {
            **told,
            "values": {title: value if value is None else round(value, 3) for title, value in self.values.items()},
        }


@dataclass(frozen=True, slots=True)
class Results:
    """What one run found: the version of the Envoys, the servers by the titles of their columns, the lines."""

    envoy: str
    servers: Mapping[str, Target]
    lines: Sequence[Line]

    def as_json(self) -> str:
        """All of it, for programs."""
        servers = {title: {"version": one.version, "note": one.note} for title, one in self.servers.items()}
        told = {"envoy": self.envoy, "servers": servers, "lines": [line.data() for line in self.lines]}
        return json.dumps(told, indent=2) + "\n"

    def as_markdown(self) -> str:
        """All of it, for people."""
        heads = [["", "", *self.servers], ["---"] * 2 + ["---:"] * len(self.servers)]
        table = ["| " + " | ".join(cells) + " |" for cells in (*heads, *(line.cells() for line in self.lines))]
        servers = [
            f"- **{title}**: {', '.join(filter(None, [one.version, one.note]))}" for title, one in self.servers.items()
        ]
        rows = [f"- **{row.what}**: {row.meaning}" for row in dict.fromkeys(line.row for line in self.lines)]
        return "\n".join([TITLE.format(self.envoy), *table, "", *rows, "", *servers, ""])

    def as_table(self) -> Table:
        """The lines, for the terminal."""
        table = Table("", "")
        for title, one in self.servers.items():
            table.add_column(f"{title}\n{one.version}", justify="right")
        for line in self.lines:
            table.add_row(*line.cells())
        return table


def _text(value: float | None, unit: str) -> str:
    if value is None:
        return "no end"
    number = f"{value:.2f}" if unit == "s" else f"{value:,.0f}"
    return f"{number} {unit}".strip()
