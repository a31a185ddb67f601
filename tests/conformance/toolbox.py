"""The programs of the bench, in Go: each module is built once for each state of it, into the user's cache."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.server.go_program import go

HERE: Final = Path(__file__).parent
KEPT: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "legation" / "conformance"
GATEWAY_API: Final = "sigs.k8s.io/gateway-api"


class UnavailableError(Exception):
    """What the bench needs is not here: its words say what, and how it is had."""


@dataclass(frozen=True, slots=True)
class Module:
    """A Go module of the bench and what is built of it: file name -> the arguments of `go` after which it is there.

    `lasts` says how long a first build takes.
    """

    name: str
    lasts: str
    products: dict[str, tuple[str, ...]]

    def kept(self) -> Path:
        """The folder where its programs are, or will be, for its present state."""
        found = hashlib.sha256()
        for source in sorted((HERE / self.name).glob("*.*")):
            found.update(source.name.encode() + b"\0" + source.read_bytes())
        return KEPT / found.hexdigest()[:12]

    def built(self) -> Path:
        """The folder with its programs. Raises UnavailableError when they are not built yet and there is no Go, and
        CalledProcessError, after the compiler's own words, when one of them cannot be built.
        """
        kept = self.kept()
        with _alone(kept):
            if not kept.exists():
                sys.stderr.write(f"Building {', '.join(self.products)}: {self.lasts}, once.\n")
                with tempfile.TemporaryDirectory(dir=KEPT) as scratch:
                    made = Path(scratch, self.name)
                    made.mkdir()
                    self._build(made)
                    made.replace(kept)
        return kept

    def _build(self, folder: Path) -> None:
        environment = {"CGO_ENABLED": "0"}
        for product, arguments in self.products.items():
            run_go(self.name, *arguments[:1], "-o", str(folder / product), *arguments[1:], **environment)


def run_go(module: str, *arguments: str, **environment: str) -> str:
    """What Go says to these arguments in the folder of a module. Raises as `Module.built`."""
    tool = go()
    if tool is None:
        raise UnavailableError("there is no Go to build the bench with: see https://go.dev/dl")
    surroundings = {**os.environ, **environment}
    done = subprocess.run([tool, *arguments], cwd=HERE / module, stdout=subprocess.PIPE, check=False, env=surroundings)
    if done.returncode:
        sys.stderr.write(done.stdout.decode())  # `go mod download` complains there
    done.check_returncode()
    return done.stdout.decode()


LEAN: Final = ("-buildvcs=false", "-trimpath", "-ldflags=-s -w")
CLUSTER: Final = Module("cluster", "5 to 10 minutes and 3 GB of Go's cache", {"cluster": ("build", *LEAN, ".")})
SUITE: Final = Module(
    "suite",
    "a minute or two",
    {
        "conformance.test": ("test", "-c", *LEAN, "."),
        "echo-basic": ("build", *LEAN, f"{GATEWAY_API}/conformance/echo-basic"),
        "test2json": ("build", *LEAN, "cmd/test2json"),
    },
)


def cluster() -> Path:
    """The program that is etcd, kube-apiserver, kube-controller-manager or kubectl, by its first argument."""
    return CLUSTER.built() / "cluster"


def crds(channel: str) -> Path:
    """The folder with the CRDs of `standard` or `experimental`, of the suite's release of Gateway API."""
    found: dict[str, Any] = json.loads(run_go("suite", "mod", "download", "-json", GATEWAY_API))
    return Path(found["Dir"], "config", "crd", channel)


@contextmanager
def _alone(kept: Path) -> Iterator[None]:
    """Nobody else builds the same meanwhile."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
