#!/usr/bin/env python3
"""go-control-plane as a target: builds the program beside this file, once for each state of its sources, and becomes it.

    tests/wire/peers/go_control_plane.py -setup S|A|O|L [-content-versions]

It needs Go, and what its modules are downloaded from; without Go it says so and ends.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from benchmarks.server.go_program import GoProgram

PROGRAM: Final = GoProgram("go-control-plane", Path(__file__).with_name("go-control-plane"))
SETUPS: Final = ("S", "A", "O", "L")
"""Snapshot cache; with ads=true; and ordered ADS; linear caches behind a mux."""

if __name__ == "__main__":
    PROGRAM.become(sys.argv[1:])
