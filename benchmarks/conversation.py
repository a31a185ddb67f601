"""A program that is told what to do: a JSON command a line on its standard input, an answer a line on its output."""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import msgspec

from benchmarks.error import BenchError

LONGEST: Final = 1 << 30
"""Bytes of one answer."""
END: Final = 10.0
"""Seconds that a program may take to end."""

Answer = dict[str, Any]


class Conversation:
    """A running program. Its first line is `hello`; then every command is answered, in order."""

    def __init__(self, name: str, process: Process) -> None:
        self.name, self.pid, self.hello = name, process.pid, Answer()
        self._process = process
        self._waiting: deque[tuple[str, asyncio.Future[Answer]]] = deque()
        self._over = False

    def tell(self, command: Mapping[str, Any]) -> asyncio.Future[Answer]:
        """Tells a command now; its answer comes when it comes, or a BenchError in its place that says what is wrong.

        Raises BenchError when the program has ended.
        """
        assert self._process.stdin is not None
        if self._over:
            raise self._ended()
        self._process.stdin.write(msgspec.json.encode(command) + b"\n")
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((str(command.get("do")), answer))
        return answer

    async def ask(self, command: Mapping[str, Any], *, seconds: float = 120.0) -> Answer:
        """The answer to a command. Raises BenchError for one that says what is wrong, and for none in so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                return await self.tell(command)
        except TimeoutError:
            raise BenchError(f"{self.name} did not answer {command.get('do')!r} within {seconds:.0f} s") from None

    def kill(self) -> None:
        """SIGKILL."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def begin(self, seconds: float) -> None:
        """Returns when its first line has come."""
        try:
            async with asyncio.timeout(seconds):
                self.hello = await self._line()
        except TimeoutError:
            raise BenchError(f"{self.name} did not say within {seconds:.0f} s that it is up") from None

    async def listen(self) -> None:
        """Takes answers until the program has ended."""
        try:
            while True:
                answer = await self._line()
                self._settle(*self._waiting.popleft(), answer)
        except BenchError as error:
            self._over = True
            for _, one in self._waiting:
                if not one.done():
                    one.set_exception(error)

    def _settle(self, do: str, waiting: asyncio.Future[Answer], answer: Answer) -> None:
        if waiting.done():  # nobody waits for it any more
            return
        if "error" in answer:
            waiting.set_exception(BenchError(f"{self.name} could not do {do!r}: {answer['error']}"))
        else:
            waiting.set_result(answer)

    async def end(self) -> None:
        """Ends it: its standard input ends, and when that does not help in time, it is killed."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(END):
                await self._process.wait()
        self.kill()
        await self._process.wait()

    async def _line(self) -> Answer:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            await self._process.wait()
            raise self._ended()
        try:
            answer: Answer = msgspec.json.decode(line, type=Answer)
        except msgspec.DecodeError:
            raise BenchError(f"{self.name} said what is no JSON object: {line[:200]!r}") from None
        return answer

    def _ended(self) -> BenchError:
        return BenchError(f"{self.name} ended by itself, with code {self._process.returncode}; what it said is above")


@asynccontextmanager
async def conversation(
    name: str, command: Sequence[str], *, core: int | None = None, seconds: float = 60.0
) -> AsyncIterator[Conversation]:
    """Runs a program on one core (None: on any) inside the `async with`; it has so many seconds to say its first line.

    Raises BenchError when it cannot be started or does not come up.
    """

    def pin() -> None:
        if core is not None:
            os.sched_setaffinity(0, {core})

    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, limit=LONGEST, start_new_session=True, preexec_fn=pin
        )
    except OSError as error:
        raise BenchError(f"{name} cannot be started: {error}") from None
    talk = Conversation(name, process)
    try:
        await talk.begin(seconds)
    except BaseException:
        talk.kill()
        await talk.end()
        raise
    listening = asyncio.create_task(talk.listen())  # a group would wrap what is raised in the block
    try:
        yield talk
    finally:
        await talk.end()
        await listening
