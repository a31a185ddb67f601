"""A gRPC client without a proxy, as a program: calls the target that it is given once, and prints what came of it.

gRPC reads its bootstrap once in a process, so a client has a process of its own.
"""

from __future__ import annotations

import json
import os
import sys

import anyio
import grpc

PATIENCE = 12
"""Seconds, and fewer than the 15 for which gRPC waits for what nobody speaks of."""


async def asked(xds: tuple[str, int], target: str, group: str) -> str:
    """What a call to `xds:///target` comes to, of a client that reads the errors of responses (gRPC calls that an
    experiment): `OK`, or the code and what gRPC says.
    """
    servers = [{"server_uri": f"{xds[0]}:{xds[1]}", "channel_creds": [{"type": "insecure"}], "server_features": ["xds_v3"]}]
    bootstrap = json.dumps({"xds_servers": servers, "node": {"id": "client", "cluster": group}})
    environment = {
        **os.environ,
        "GRPC_XDS_BOOTSTRAP_CONFIG": bootstrap,
        "GRPC_EXPERIMENTAL_XDS_DATA_ERROR_HANDLING": "true",
    }
    done = await anyio.run_process([sys.executable, __file__, target], env=environment)
    return done.stdout.decode().strip()


def main() -> None:
    with grpc.insecure_channel(f"xds:///{sys.argv[1]}") as channel:
        error = channel.unary_unary("/acme.Service/Call").future(b"ping", timeout=PATIENCE).exception()
    sys.stdout.write("OK" if error is None else f"{error.code().name}: {error.details()}")


if __name__ == "__main__":
    main()
