"""The screen: how commands print, on a terminal and into a pipe."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any, Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from xds.codec.written import as_yaml

PIPE_WIDTH: Final = 10_000
"""Columns of a table that goes into a pipe: nothing is folded there."""


class Failure(click.ClickException):
    """A command could not do its work. Exit code 2: 1 says that it did, and that the answer is bad."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Prints the reason on standard error."""
        click.echo(f"{click.style('legation:', bold=True)} {self.message}", file=file, err=file is None)


def printable(text: str) -> str:
    """The text with control characters spelled out: what a proxy or a file says cannot steer the terminal."""
    return "".join(one if one.isprintable() or one == "\n" else repr(one)[1:-1] for one in text)


def as_json(data: Any) -> str:
    """JSON, indented."""
    return json.dumps(data, indent=2, ensure_ascii=False)


WRITERS: Final = {"json": as_json, "yaml": as_yaml}


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints a table without lines; the last column may fold."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for header in headers:
        made.add_column(header, overflow="fold", no_wrap=header != headers[-1])
    for row in rows:
        made.add_row(*(Text(printable(cell), style=STYLES.get(cell, "")) for cell in row))
    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
    with console.capture() as printed:
        console.print(made)
    click.echo("\n".join(line.rstrip() for line in printed.get().splitlines()))


STYLES: Final[Mapping[str, str]] = {
    "well": "green",
    "not well": "red",
    "accepted": "green",
    "rejected": "red",
    "stale": "yellow",
}
"""The words of a table that have a colour."""

COLOURS: Final[Mapping[str, str]] = {"error": "red", "warning": "yellow"}


def diagnostic(one: Mapping[str, Any]) -> str:
    """One diagnostic as compilers print them: file:line: severity: who: field message, and a hint below."""
    place = ":".join(str(one[part]) for part in ("file", "line") if one[part])
    where = click.style(printable(f"{place}:"), bold=True) + " " if place else ""
    severity = click.style(one["severity"], fg=COLOURS[one["severity"]])
    what = " ".join(filter(None, (one["field"], one["message"])))
    who = f"{one['object']}: " if one["object"] else ""
    hint = f"\n    {one['hint']}" if one["hint"] else ""
    return f"{where}{severity}: {printable(who + what + hint)}"


def count(many: int, noun: str) -> str:
    """`1 error`, `2 errors`, `no errors`."""
    return f"{many or 'no'} {noun}{'' if many == 1 else 's'}"
