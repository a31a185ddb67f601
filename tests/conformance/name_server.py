"""The program of the image coredns: every question gets an answer, with nothing in it."""

from __future__ import annotations

import socket
from typing import Final

ANSWER: Final = b"\x84\x00"
"""The flags of an authoritative answer without an error."""

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.bind(("0.0.0.0", 53))
    while True:
        question, client = server.recvfrom(4096)
        server.sendto(question[:2] + ANSWER + question[4:], client)
