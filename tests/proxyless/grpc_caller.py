"""A gRPC client without a proxy, as a program: calls every target that standard input names, prints what came of
it, and ends with its standard input.

gRPC reads GRPC_XDS_BOOTSTRAP_CONFIG once in a process, so a client has a process of its own.
"""

from __future__ import annotations

import json
import sys

import grpc

SECONDS = 20


def main() -> None:
    channels = [grpc.insecure_channel(f"xds:///{target}") for target in json.loads(sys.stdin.readline())]
    calls = [one.unary_unary("/acme.Service/Call").future(b"ping", timeout=SECONDS) for one in channels]
    sys.stdout.write(json.dumps([_ending(one) for one in calls]) + "\n")
    sys.stdout.flush()
    sys.stdin.read()


def _ending(call: grpc.Future) -> str:
    error = call.exception()
    return "OK" if error is None else error.code().name


if __name__ == "__main__":
    main()
