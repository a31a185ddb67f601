"""Problems: what a rule asks for and does not get, as the condition of its route that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the condition `condition` of a route is False: its reason, a message, and the field that is to blame."""

    condition: Literal["Accepted", "ResolvedRefs"]
    reason: str
    message: str
    field: str


def refusal(reason: str, field: str, what: str) -> Problem:
    """The problem of a rule that asks for what cannot be honoured: the field, and what to say of it."""
    return Problem("Accepted", reason, f"{field} {what}; the rule answers 500", field)
