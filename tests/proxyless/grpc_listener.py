"""gRPC servers that ask for their listeners, as a program: one server for each port that standard input names.

Prints a line when all have started; ends with its standard input.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc


class Pong(grpc.GenericRpcHandler):
    """Answers every call."""

    def service(self, handler_call_details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: b"pong")


def listening(port: int) -> grpc.Server:
    server = grpc.server(ThreadPoolExecutor(1), [Pong()], xds=True)
    credentials = grpc.xds_server_credentials(grpc.insecure_server_credentials())
    server.add_secure_port(f"127.0.0.1:{port}", credentials)
    server.start()
    return server


if __name__ == "__main__":
    servers = [listening(port) for port in json.loads(sys.stdin.readline())]
    sys.stdout.write("started\n")
    sys.stdout.flush()
    sys.stdin.read()
