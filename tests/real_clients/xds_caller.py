"""A gRPC client without a proxy, as a program: it makes the calls that standard input asks for, line by line.

A line is JSON, a target and how many calls to make to it, one after the other; the answer is JSON, too: what each ended
with -> how often. It keeps its channels. gRPC reads its bootstrap once in a process, so each client is one.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from functools import cache
from urllib.parse import quote

import grpc

SECONDS = 12
"""Less than the 15 s for which gRPC waits for a resource of which it hears nothing."""


@cache
def channel(target: str) -> grpc.Channel:
    return grpc.insecure_channel(f"xds:///{quote(target)}")


def call(target: str) -> str:
    """What the backend says, or the name of an error and its details."""
    try:
        return channel(target).unary_unary("/acme.Service/Call")(b"ping", timeout=SECONDS).decode()
    except grpc.RpcError as error:
        return f"{error.code().name} {error.details()}"


if __name__ == "__main__":
    for line in sys.stdin:
        target, times = json.loads(line)
        sys.stdout.write(json.dumps(Counter(call(target) for _ in range(times))) + "\n")
        sys.stdout.flush()
