"""go-control-plane as a measured server: becomes the program whose sources are beside this file, built once for each state
of them.

    python benchmarks/server/go_control_plane.py --setup group|node|linear [--port PORT]

It needs Go, and what its modules are downloaded from; without Go it says so and ends.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from benchmarks.server.go_program import GoProgram

PROGRAM: Final = GoProgram("measured-go-control-plane", Path(__file__).with_name("go-control-plane"))

if __name__ == "__main__":
    PROGRAM.become(sys.argv[1:])
