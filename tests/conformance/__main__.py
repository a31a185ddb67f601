"""`make conformance` and `make cluster`: the official suite against our control plane, and the cluster alone."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import anyio

TESTS: Final = Path(__file__).parent.parent
sys.path += [str(TESTS / "transport"), str(TESTS / "envoy")]

import sandbox  # noqa: E402  these stand on tests of other directories
import toolbox  # noqa: E402
from catalogue import PROFILES  # noqa: E402
from developer import develop  # noqa: E402
from judge import Question, judge  # noqa: E402


def main() -> int:
    """Builds what is to be built, then becomes a process in a network of its own, and does what is asked for."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, _stop)
    try:
        toolbox.CLUSTER.built()
        toolbox.SUITE.built()
        sandbox.enter()
        return _do(arguments)
    except toolbox.UnavailableError as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(map(str, error.cmd))} ended with {error.returncode}")
    except KeyboardInterrupt:
        return 130


def _stop(*_: object) -> None:
    """As Ctrl-C: what was started is ended. Once: make and a terminal tell a program twice."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(143)


def _do(arguments: argparse.Namespace) -> int:
    if arguments.what == "cluster":
        anyio.run(develop)
        return 0
    return judge(Question(arguments.profiles, arguments.run, everything=arguments.all, wait=arguments.wait))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/conformance", description=__doc__)
    parser.add_argument("what", choices=["conformance", "cluster"])
    parser.add_argument("--profiles", nargs="*", default=PROFILES, choices=PROFILES, metavar="PROFILE")
    parser.add_argument("--run", default="", metavar="TEST", help="one test alone")
    parser.add_argument("--all", action="store_true", help="claim every feature, to see what is missing")
    parser.add_argument("--wait", type=int, default=20, metavar="SECONDS", help="how long a test waits for a thing")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
