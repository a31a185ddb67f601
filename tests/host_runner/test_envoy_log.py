"""An Envoy's log: lines, levels."""

import logging

import anyio
import pytest

from providers.host.log import LONGEST_LINE, lines, read


@pytest.mark.parametrize(
    ("line", "level", "text"),
    [
        ("[info][main] starting", logging.INFO, "main: starting"),
        ("[warning][config] [x] and more", logging.WARNING, "config: [x] and more"),
        ("[critical][main] ", logging.CRITICAL, "main: "),
        (
            "[warning][upstream] lds: listener 'x' config rejected: why",
            logging.DEBUG,
            "upstream: lds: listener 'x' config rejected: why",
        ),
        ("[trace][http2] x", logging.DEBUG, "http2: x"),
        ("  and this goes on", logging.ERROR, "  and this goes on"),
        ("[blue][main] x", logging.ERROR, "[blue][main] x"),
    ],
)
def test_a_line_has_a_level_and_one_without_goes_on_with_the_line_before(line, level, text):
    assert read(line, logging.ERROR) == (level, text)


async def test_lines_come_whole_however_the_bytes_arrive_and_the_last_needs_no_end():
    assert await split([b"on", b"e\ntwo\n\nth", b"ree"]) == ["one", "two", "", "three"]
    assert await split([b"\xff\xc3", b"\xbc\n"]) == ["\ufffdü"]
    assert await split([]) == []


async def test_a_line_without_end_is_not_kept_for_ever():
    assert [len(line) for line in await split([b"x" * LONGEST_LINE, b"y", b"z"])] == [LONGEST_LINE + 1, 1]


async def split(chunks: list[bytes]) -> list[str]:
    send, receive = anyio.create_memory_object_stream[bytes](len(chunks))
    async with receive:
        async with send:
            for chunk in chunks:
                await send.send(chunk)
        return [line async for line in lines(receive)]
