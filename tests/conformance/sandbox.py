"""A network of our own, as an ordinary user or as root: a network namespace that nobody else has a port or an address in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import Final

from toolbox import UnavailableError

INSIDE: Final = "LEGATION_SANDBOX"
PACKAGES: Final = {"unshare": "util-linux", "nsenter": "util-linux", "ip": "iproute2"}
WAYS: Final = (("--net",), ("--user", "--map-root-user", "--net"))
"""How one gets in: as root, and as anybody else, who is root in there."""


def way() -> tuple[str, ...]:
    """The flags of `unshare` with which this user gets in. Raises UnavailableError when this machine has no such thing."""
    for program, package in PACKAGES.items():
        if shutil.which(program) is None:
            raise UnavailableError(f"there is no {program}: apt-get install {package}")
    for one in WAYS:
        if subprocess.run(["unshare", *one, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return one
    raise UnavailableError("this user may make no network namespace: allow user namespaces, or be root")


def enter() -> None:
    """Becomes this same program anew, in a network namespace of its own; inside, returns. Raises as `way`."""
    if INSIDE not in os.environ:
        flags = way()
        os.environ[INSIDE] = " ".join(flags)
        os.execvp("unshare", ["unshare", *flags, sys.executable, *sys.orig_argv[1:]])


def way_in(command: str) -> str:
    """A shell script for outside that runs a command and its own arguments in here."""
    user = "--user --preserve-credentials " if "--user" in os.environ[INSIDE] else ""
    return f'#!/bin/sh\nexec nsenter --target {os.getpid()} {user}--net -- {command} "$@"\n'
