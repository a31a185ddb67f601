"""Problems: what a rule asks for and does not get, as the condition of its route that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the condition `condition` of a route is False: its reason, and a message that names the field."""

    condition: Literal["Accepted", "ResolvedRefs"]
    reason: str
    message: str


def refusal(reason: str, message: str) -> Problem:
    """The problem of a rule that asks for what cannot be honoured."""
    return Problem("Accepted", reason, f"{message}; the rule answers 500")
