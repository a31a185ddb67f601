"""The link between the builder and one worker: letters both ways over a socket, each with its length before it."""

from __future__ import annotations

import asyncio
import itertools
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeAlias, TypeVar

import anyio
import msgspec

from xds.server.workers.letter import Answer, Ask, Letter, News, Question, decode, encode

LENGTH: Final = struct.Struct(">Q")
GONE: Final = "the other process is gone"

T = TypeVar("T")
Answering: TypeAlias = Callable[[Question], Awaitable[object]]


class Link:
    """One end. Whoever sends waits until the other end has room: nothing is kept here but the letter that is being sent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._numbers = itertools.count()
        self._asked: dict[int, asyncio.Future[bytes]] = {}
        self._ended = self._silent = False

    @classmethod
    async def over(cls, one: socket.socket) -> Link:
        """The end that this connected socket is."""
        return cls(*await asyncio.open_unix_connection(sock=one))

    async def send(self, letter: Letter) -> None:
        """Sends a letter. Raises ConnectionError when the other end is gone."""
        await self.send_bytes(encode(letter))

    async def send_bytes(self, body: bytes) -> None:
        """Sends what is no letter: the terms, before all others."""
        if self._silent:
            raise ConnectionError("this process has said that it writes no more")
        self._writer.writelines((LENGTH.pack(len(body)), body))
        await self._writer.drain()

    async def ask(self, question: Question, kind: type[T]) -> T:
        """The answer to a question. Raises ConnectionError when the other end is gone before it answers."""
        if self._ended:
            raise ConnectionError(GONE)
        number = next(self._numbers)
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            await self.send(Ask(number, question))
            return msgspec.msgpack.decode(await answer, type=kind)
        finally:
            del self._asked[number]

    async def receive_bytes(self) -> bytes | None:
        """The next body; None at the end."""
        try:
            (size,) = LENGTH.unpack(await self._reader.readexactly(LENGTH.size))
            return await self._reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def follow(self, take: Callable[[News], None], answer: Answering) -> None:
        """Reads letters until the other end writes no more. Whoever waits for an answer then is told that it is gone."""
        async with anyio.create_task_group() as tasks:
            async for letter in self._letters():
                match letter:
                    case Ask():
                        tasks.start_soon(self._answer, letter, answer)
                    case Answer():
                        self._hear(letter)
                    case _:
                        take(letter)
            self._ended = True
            for one in self._asked.values():
                if not one.done():
                    one.set_exception(ConnectionError(GONE))
            tasks.cancel_scope.cancel()

    async def _letters(self) -> AsyncIterator[Letter]:
        while (body := await self.receive_bytes()) is not None:
            yield decode(body)

    async def _answer(self, ask: Ask, answer: Answering) -> None:
        body = encode(await answer(ask.question))
        with suppress(ConnectionError):  # then nobody waits for it
            await self.send(Answer(ask.number, body))

    def _hear(self, answer: Answer) -> None:
        asked = self._asked.get(answer.number)
        if asked is not None and not asked.done():
            asked.set_result(answer.body)

    def end(self) -> None:
        """Writes no more; the other end may."""
        self._silent = True
        if not self._writer.is_closing():
            self._writer.write_eof()

    async def close(self) -> None:
        """Neither reads nor writes any more."""
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()
