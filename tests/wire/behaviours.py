"""The specification: what is asked of a server, row by row, as `behaviours.yaml` says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from variant import ADS, ALL, DELTA, SINGLE, SOTW

FILE: Final = Path(__file__).with_name("behaviours.yaml")

SETS: Final = {"all": ALL, "ads": ADS, "single": SINGLE, "sotw": SOTW, "delta": DELTA}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One row. `variants` are those in which it is seen on an xDS stream; `evidence` are tests outside of the suite."""

    id: str
    level: str
    group: str
    given: str
    when: str
    then: str
    source: str
    variants: tuple[str, ...] = ()
    optional: bool = False
    evidence: tuple[str, ...] = ()
    note: str = ""

    def __str__(self) -> str:
        return f"GIVEN {self.given} WHEN {self.when} THEN {self.then}"


@cache
def behaviours() -> Mapping[str, Behaviour]:
    """Every row by its id, in the order of the file."""
    return {str(row["id"]): _behaviour(row) for row in _document()["behaviours"]}


@cache
def groups() -> Mapping[str, str]:
    """The letter of every group, and its title."""
    return _document()["groups"]


@cache
def _document() -> Mapping[str, Any]:
    return yaml.safe_load(FILE.read_text())


def _behaviour(row: Mapping[str, Any]) -> Behaviour:
    listed = row.get("variants", ())
    variants = tuple(map(str, SETS[listed] if isinstance(listed, str) else listed))
    source = _link(row["source"])
    given = {**row, "id": str(row["id"]), "variants": variants, "source": source, "evidence": tuple(row.get("evidence", ()))}
    return Behaviour(**given)


def _link(source: str) -> str:
    short, number = source.partition("#")[::2]
    return _document()["sources"][f"{short}#"] + number if number else _document()["sources"][source]
