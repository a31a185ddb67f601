"""How long an edit takes: from saving the file to the first changed answer through a real Envoy.

Runs `legation run` over a copy of examples/quickstart.yaml, and gives a response header of it a new value N times:

    python benchmarks/edit.py --edits 20

Legation's part ends when the new configuration is published to the streams; what follows is the wire's and Envoy's. An
answer is asked for every millisecond, so that much of the whole is the asking.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from queue import Empty, SimpleQueue
from statistics import median
from tempfile import TemporaryDirectory
from threading import Thread
from time import monotonic, sleep, time

EXAMPLES = Path(__file__).parents[1] / "examples"
HEADER, VALUE = "x-served-by", "legation"
LIVE = re.compile(r"default/quickstart: live after ([\d.]+) ms")
PATIENCE = 20.0
"""Seconds until something that does not happen ends the benchmark."""
PAUSE = 0.2
"""Seconds between two edits: nothing of the one before is left to do."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit, in milliseconds: from its save to the changed answer, to the publication; and from there to the ACK."""

    whole: float
    published: float
    accepted: float

    @property
    def rest(self) -> float:
        """From the publication to the changed answer."""
        return self.whole - self.published


class Gateway:
    """A running `legation run` over one file, and a connection through its Envoy."""

    def __init__(self, file: Path, port: int, process: subprocess.Popen[str]) -> None:
        self._file, self._text = file, file.read_text()
        self._connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self._lived: SimpleQueue[tuple[float, float]] = SimpleQueue()
        Thread(target=self._read, args=[process], daemon=True).start()

    def edit(self, number: int) -> Edit:
        """Saves the file with a new value of the header, and waits for it."""
        value = f"{VALUE}-{number}"
        sleep(PAUSE)
        started = time()
        self._file.write_text(self._text.replace(f"value: {VALUE} ", f"value: {value} "))
        self._until(value)
        answered = time()
        live, accepted = self._live()
        published = live - accepted
        return Edit(1000 * (answered - started), 1000 * (published - started), 1000 * accepted)

    def await_first(self) -> None:
        """Returns when the gateway answers."""
        self._live()
        self._until(VALUE)

    def close(self) -> None:
        """Closes the connection, for which the Envoy would wait at its end."""
        self._connection.close()

    def _until(self, value: str) -> None:
        """Returns when an answer has this value of the header."""
        deadline = monotonic() + PATIENCE
        while self._ask() != value:
            if monotonic() > deadline:
                sys.exit(f"{HEADER} was not {value} within {PATIENCE:.0f} s")
            sleep(0.001)

    def _ask(self) -> str | None:
        try:
            self._connection.request("GET", "/api/hello")
            answer = self._connection.getresponse()
            answer.read()
            return answer.getheader(HEADER)
        except (HTTPException, OSError):
            self._connection.close()
            return None

    def _live(self) -> tuple[float, float]:
        """When the proxies accepted what was published last, and how long after its publication, in seconds."""
        try:
            return self._lived.get(timeout=PATIENCE)
        except Empty:
            sys.exit(f"the Envoy had not accepted the configuration after {PATIENCE:.0f} s")

    def _read(self, process: subprocess.Popen[str]) -> None:
        """Reads the log: an event for each time that the Envoy is live, every complaint to the terminal."""
        assert process.stderr is not None
        for line in process.stderr:
            record = json.loads(line)
            if found := LIVE.match(record["message"]):
                self._lived.put((record["time"], float(found[1]) / 1000))
            elif record["level"] in ("warning", "error"):
                print(record["message"], file=sys.stderr)


@contextmanager
def gateway() -> Iterator[Gateway]:
    """A gateway with the example's backend; it is ended, with all that it started."""
    port, backend = free_port(), free_port()
    with TemporaryDirectory(prefix="lg") as folder:
        file = Path(folder, "quickstart.yaml")
        text = (EXAMPLES / "quickstart.yaml").read_text()
        file.write_text(text.replace("port: 8080", f"port: {port}").replace("port: 3000", f"port: {backend}"))
        command = [
            *(str(Path(sys.executable).with_name("legation")), "run", str(file), "--port", "0", "--admin-port", "0"),
            *("--log-format", "json", "--with", f"{sys.executable} {EXAMPLES / 'echo.py'} {backend} v1"),
        ]
        environment = {**os.environ, "TMPDIR": folder}
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment)
        try:
            with closing(Gateway(file, port, process)) as running:
                yield running
        finally:
            end(process)


def end(process: subprocess.Popen[str]) -> None:
    """Ends it as Ctrl-C does; as a second Ctrl-C does when it takes long."""
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
            return
    process.kill()
    process.wait()


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def row(what: str, milliseconds: list[float], meaning: str) -> str:
    """One line of the table."""
    return f"{what:<12} {median(milliseconds):9.1f} {max(milliseconds):9.1f}   {meaning}"


def main() -> None:
    """Prints median and maximum of the whole, and of its parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edits", type=int, default=20, metavar="N", help="how many edits (default: 20)")
    wanted = parser.parse_args()
    if wanted.edits < 1:
        parser.error("--edits must be at least 1")

    with gateway() as running:
        running.await_first()
        edits = [running.edit(number) for number in range(1, wanted.edits + 1)]
    print(f"{wanted.edits} edits, in ms     median       max")
    print(row("whole", [one.whole for one in edits], "file saved -> first changed answer through Envoy"))
    print(row("Legation", [one.published for one in edits], "file saved -> published: watching, reading, translating"))
    print(row("Envoy", [one.rest for one in edits], "published -> first changed answer: the wire, Envoy, the asking"))
    print(row("  to its ACK", [one.accepted for one in edits], "published -> accepted"))


if __name__ == "__main__":
    main()
