"""The network of the pods: a bridge, and for each pod a network namespace of its own with an address in 10.244.0.0/16."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Final

import anyio
from anyio.abc import Process
from api_server import ADVERTISED as HOST

BRIDGE: Final = f"""
link set lo up
link add br0 type bridge
address add {HOST}/16 dev br0
link set br0 up
"""
PLUGGED: Final = f"""
echo; read go
ip link set lo up && ip address add "$0/16" dev eth0 && ip link set eth0 up && ip route add default via {HOST}
exec "$@" 2>&1
"""
"""What a pod's first process does: it says that it is in its namespace, waits for its cable, and becomes the program."""


class PodNetwork:
    """The bridge, in the namespace that we are in. A pod's namespace lives as long as its process."""

    def __init__(self) -> None:
        subprocess.run(["ip", "-batch", "-"], input=BRIDGE, text=True, check=True)
        self._numbers = count(1)

    def address(self) -> str:
        """One that no pod has had."""
        high, low = divmod(next(self._numbers), 250)
        return f"10.244.{1 + high}.{1 + low}"

    async def start(self, address: str, program: Sequence[str], environment: Mapping[str, str]) -> Process:
        """Runs a program at the address; standard output has all that it says."""
        command = ["unshare", "--net", "sh", "-c", PLUGGED, address, *program]
        process = await anyio.open_process(command, env=environment, stderr=None)
        assert process.stdin is not None
        assert process.stdout is not None
        await process.stdout.receive(1)
        cable = f"veth{address.replace('.', '-')[7:]}"
        make = f"link add {cable} type veth peer name eth0 netns {process.pid}\nlink set {cable} master br0 up\n"
        await anyio.run_process(["ip", "-batch", "-"], input=make.encode())
        await process.stdin.send(b"\n")
        await process.stdin.aclose()
        return process
