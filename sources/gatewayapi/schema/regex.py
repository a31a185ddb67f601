"""Regular expressions: judged by RE2, which is what Envoy runs them with."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

try:
    import re2
except ImportError:  # no build of google-re2 for this platform: Envoy alone judges
    re2 = None

MAX_PROGRAM: Final = 100
"""Envoy refuses larger compiled expressions, unless its runtime says otherwise (`re2.max_program_size.error_level`)."""


@lru_cache(maxsize=4096)
def complaint(pattern: str) -> str:
    """What is wrong with an expression, in RE2's words; empty when nothing is."""
    if re2 is None:
        return ""
    options = re2.Options()
    options.log_errors = False
    try:
        size = re2.compile(pattern, options=options).programsize
    except re2.error as error:
        reason = error.args[0]
        return f"is no valid regular expression: {reason.decode() if isinstance(reason, bytes) else reason}"
    if size > MAX_PROGRAM:
        return f"is too large a regular expression: {size} instructions, Envoy takes {MAX_PROGRAM}"
    return ""
