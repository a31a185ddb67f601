"""A gRPC client without a proxy, as a program: for each line of standard input it calls every target that is listed
there, all at once, and prints what came of it. It keeps its channels, and ends with its standard input.

gRPC reads GRPC_XDS_BOOTSTRAP_CONFIG once in a process, so a client has a process of its own.
"""

from __future__ import annotations

import json
import sys

import grpc

SECONDS = 60


def main() -> None:
    channels: dict[str, grpc.Channel] = {}
    for line in sys.stdin:
        targets = json.loads(line)
        channels |= {one: grpc.insecure_channel(f"xds:///{one}") for one in targets if one not in channels}
        calls = [channels[one].unary_unary("/acme.Service/Call").future(b"ping", timeout=SECONDS) for one in targets]
        sys.stdout.write(json.dumps([_ending(one) for one in calls]) + "\n")
        sys.stdout.flush()


def _ending(call: grpc.Future) -> str:
    error = call.exception()
    return "OK" if error is None else error.code().name


if __name__ == "__main__":
    main()
