"""A program that is told what to do, and what becomes of it when it does not do it."""

from __future__ import annotations

import os
import sys
import textwrap

import anyio
import pytest

from benchmarks import usage
from benchmarks.conversation import conversation
from benchmarks.error import BenchError

SOON = 30.0


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def program(tmp_path):
    """Starts a program with these lines in it, which has `say` and `hear`."""

    def started(body: str, **terms):
        head = "import json, sys, time\nhear = sys.stdin.readline\nsay = lambda one: print(one, flush=True)\n"
        file = tmp_path / "program.py"
        file.write_text(head + textwrap.dedent(body))
        return conversation("it", [sys.executable, str(file)], **terms)

    return started


async def test_commands_are_answered_in_order(program):
    body = """
        say('{"name": "echo"}')
        while line := hear():
            say(json.dumps({"heard": json.loads(line)["do"]}))
    """
    async with program(body) as talk:
        assert talk.hello == {"name": "echo"}
        first, second = talk.tell({"do": "one"}), talk.tell({"do": "two"})
        assert (await second, await first) == ({"heard": "two"}, {"heard": "one"})
    with pytest.raises(ProcessLookupError):
        os.kill(talk.pid, 0)


async def test_an_error_is_told_in_the_programs_words(program):
    async with program("""say('{}'); hear(); say('{"error": "no such group"}'); hear()""") as talk:
        with pytest.raises(BenchError, match="it could not do 'set': no such group"):
            await talk.ask({"do": "set"})


async def test_a_program_that_ends_is_told_to_all_who_wait_and_who_come_later(program):
    async with program("""say('{}'); hear(); sys.exit(3)""") as talk:
        waiting = talk.tell({"do": "later"})
        for asking in (waiting, talk.ask({"do": "set"})):
            with pytest.raises(BenchError, match="it ended by itself, with code 3"):
                await asking
        with pytest.raises(BenchError, match="it ended by itself"):
            talk.tell({"do": "set"})


async def test_one_that_does_not_answer_in_time_is_told(program):
    async with program("""say('{}'); hear(); hear()""") as talk:
        with pytest.raises(BenchError, match="it did not answer 'set' within 0 s"):
            await talk.ask({"do": "set"}, seconds=0.1)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("say('hello')", "it said what is no JSON object: b'hello"),
        ("sys.exit(4)", "it ended by itself, with code 4"),
        ("time.sleep(60)", "it did not say within 0 s that it is up"),
    ],
)
async def test_one_that_does_not_come_up_is_told(program, body, words):
    with pytest.raises(BenchError, match=words):
        async with program(body, seconds=SOON if "sleep" not in body else 0.3):
            pass


async def test_a_program_that_is_not_there_is_told():
    with pytest.raises(BenchError, match=r"it cannot be started: .*No such file"):
        async with conversation("it", ["/nowhere"]):
            pass


async def test_one_that_is_killed_is_told(program):
    async with program("say('{}'); hear()") as talk:
        talk.kill()
        with anyio.fail_after(SOON), pytest.raises(BenchError, match="it ended by itself, with code -9"):
            await talk.ask({"do": "set"})


async def test_what_a_program_and_its_children_use_is_counted(program):
    body = """
        import subprocess
        burn = "import sys; t = __import__('time'); x = bytearray(30 << 20)\\nwhile t.process_time() < 0.3: pass\\n"
        child = subprocess.Popen([sys.executable, "-c", burn + "print(1, flush=True); sys.stdin.read()"],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        child.stdout.readline()
        say('{}')
        hear()
        child.stdin.close()
        child.wait()
    """
    async with program(body) as talk:
        assert usage.cpu_seconds(talk.pid) > 0.3
        assert usage.memory(talk.pid) > 30 << 20
    assert usage.memory(talk.pid) == 0
