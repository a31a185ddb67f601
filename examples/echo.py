"""A backend to try routes on: answers every request with what arrived, as JSON.

python examples/echo.py PORT NAME
"""  # noqa: INP001  a script

from __future__ import annotations

import json
import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Echo(BaseHTTPRequestHandler):
    """Answers with the name of the server, and the method, path and headers of the request."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body leave together: apart, the second waits 40 ms for an ACK

    def answer(self) -> None:
        """Reads the body away, and answers."""
        self.rfile.read(int(self.headers.get("content-length", 0)))
        said = {"name": sys.argv[2], "method": self.command, "path": self.path, "headers": dict(self.headers)}
        body = json.dumps(said, indent=2).encode() + b"\n"
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815  the base class finds them by name

    def log_message(self, *_: object) -> None:
        """Says nothing: the terminal is the gateway's."""


def main() -> None:
    """Serves until it is told to end."""
    if len(sys.argv) != 3 or not sys.argv[1].isdecimal():
        sys.exit("usage: python echo.py PORT NAME")
    try:
        server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Echo)
    except OSError as error:
        sys.exit(f"echo.py cannot listen on 127.0.0.1:{sys.argv[1]}: {error.strerror}")
    with suppress(KeyboardInterrupt), server:
        server.serve_forever()


if __name__ == "__main__":
    main()
