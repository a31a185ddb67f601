"""Runs the official suite against our control plane on the bench, and says how it went."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio
import toolbox
from anyio import IncompleteRead
from anyio.streams.buffered import BufferedByteReceiveStream
from api_server import ApiServer
from bench import GATEWAY_CLASS, cluster, control_plane
from catalogue import Entry, catalogue
from score import EXPECTED, Score, names
from verdict import Hearing, Verdict

LONGEST: Final = 1 << 22
WAITS: Final = (
    "GatewayMustHaveAddress",
    "GatewayMustHaveCondition",
    "GatewayStatusMustHaveListeners",
    "GatewayListenersMustHaveConditions",
    "ListenerSetMustHaveCondition",
    "ListenerSetListenersMustHaveConditions",
    "HTTPRouteMustNotHaveParents",
    "HTTPRouteMustHaveCondition",
    "TLSRouteMustHaveCondition",
    "TCPRouteMustHaveCondition",
    "UDPRouteMustHaveCondition",
    "RouteMustHaveParents",
    "MaxTimeToConsistency",
    "LatestObservedGenerationSet",
    "DefaultTestTimeout",
)
"""The suite's waits that only a failing test uses up. They are 30 to 180 s by themselves; shorter ones ask for more."""


SETTLING: Final = ("GWCMustBeAccepted", "NamespacesMustBeReady")
"""The waits before the tests, when all pods start; some tests that fail use them up, too."""
SETTLED: Final = 30
"""Seconds that these take at least."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the suite: which profiles, one test or all of them, the features that our GatewayClass says it has or
    all there are; how many seconds a test may wait for a thing, and how many minutes everything may take.
    """

    profiles: Sequence[str]
    test: str = ""
    everything: bool = False
    wait: int = 20
    minutes: int = 30

    def wants(self, entry: Entry) -> bool:
        """Whether a test is asked for."""
        return bool(entry.levels.keys() & set(self.profiles)) and self.test in ("", entry.name)

    def flags(self, entries: Sequence[Entry]) -> Sequence[str]:
        """The same in the suite's words; without features, it takes those of our GatewayClass."""
        features = {one for entry in entries for one in entry.features if self.wants(entry) and self.everything}
        return [
            f"-gateway-class={GATEWAY_CLASS}",
            f"-supported-features={','.join(sorted(features))}",
            f"-skip-tests={','.join(one.name for one in entries if not self.wants(one))}",
            f"-run-test={self.test}",
            f"-timeout-config-overrides={_overrides(self.wait)}",
            "-usable-address=127.0.20.1",
            "-unusable-address=10.250.0.1",
            "-cleanup-base-resources=false",
            f"-test.timeout={self.minutes}m",
            "-test.run=^TestConformance$",
        ]


def _overrides(wait: int) -> str:
    """The suite's waits, in seconds, as it reads them."""
    seconds = dict.fromkeys(SETTLING, max(SETTLED, 3 * wait)) | dict.fromkeys(WAITS, wait)
    return ";".join(f"{name}:{number}" for name, number in seconds.items())


def judge(question: Question) -> int:
    """Asks it and prints the answer; the exit status is 1 when a test that is expected to pass did not."""
    programs = toolbox.SUITE.built()
    entries = catalogue(programs)
    asked = [one for one in entries if question.wants(one)]
    if not asked:
        sys.exit(f"the suite has no test {question.test} in {', '.join(question.profiles)}")
    folder = Path(tempfile.mkdtemp(prefix="lg-"))
    why: list[str] = []
    verdicts: Sequence[Verdict] = ()
    try:
        verdicts = anyio.run(_ask, folder, programs, question.flags(entries))
    except* RuntimeError as failures:
        why.extend(map(str, failures.exceptions))
    if why:
        sys.exit("\n".join([*why, f"The logs are in {folder}"]))
    score = Score(asked, {one.test: one for one in verdicts}, names(EXPECTED))
    return _tell(score, question, folder)


async def _ask(folder: Path, programs: Path, flags: Sequence[str]) -> Sequence[Verdict]:
    async with cluster(folder) as server:
        with control_plane(server, folder) as plane:
            found = [verdict async for verdict in _verdicts(server, folder, programs, flags)]
            plane.check()
    return found


async def _verdicts(server: ApiServer, folder: Path, programs: Path, flags: Sequence[str]) -> AsyncIterator[Verdict]:
    """The verdicts as they fall; each is printed, and what was said in a test that failed is kept in the folder."""
    hearing = Hearing()
    command = [str(programs / "test2json"), "-t", str(programs / "conformance.test"), "-test.v=test2json", *flags]
    environment = {**os.environ, "KUBECONFIG": str(server.kubeconfig)}
    async with await anyio.open_process(command, env=environment, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        async for line in _lines(BufferedByteReceiveStream(process.stdout), folder / "suite.json"):
            if (verdict := hearing.hear(line)) is not None:
                yield _noted(verdict, folder)
    for verdict in hearing.unheard():
        yield _noted(verdict, folder)


async def _lines(stream: BufferedByteReceiveStream, copy: Path) -> AsyncIterator[str]:
    with copy.open("wb") as file:
        while True:
            try:
                line = await stream.receive_until(b"\n", LONGEST)
            except IncompleteRead:
                return
            file.write(line + b"\n")
            yield line.decode()


def _noted(verdict: Verdict, folder: Path) -> Verdict:
    if verdict.result != "skip":
        print(f"{verdict.result}  {verdict.seconds:6.1f} s  {verdict.test or 'the suite'}", flush=True)
    if verdict.result == "fail":
        (folder / f"{verdict.test or 'suite'}.log").write_text(verdict.said)
    return verdict


def _tell(score: Score, question: Question, folder: Path) -> int:
    print(*score.table(question.profiles), sep="\n")
    for name in score.won():
        print(f"passes and is not in {EXPECTED.name} yet: {name}")
    for name in score.lost():
        print(f"is in {EXPECTED.name} and did not pass: {name}")
    failed = [one.test for one in score.verdicts.values() if one.result == "fail"]
    if failed or score.lost():
        print(f"The logs are in {folder}")
    else:
        shutil.rmtree(folder)
    return int(bool(score.lost()) or failed == [""])
