"""Programs that run beside: started, watched, and ended with everything they were given time for."""

from __future__ import annotations

import logging
import os
import shlex
import sys

import anyio
import pytest
from scripted import until

from xds.control import companion
from xds.control.companion import companions
from xds.model import ConfigError


@pytest.fixture
def program(tmp_path):
    """A command that runs this Python code; `out` in it is a file's path."""

    def made(code: str) -> str:
        return shlex.join([sys.executable, "-c", f"out = {str(tmp_path / 'out')!r}\n{code}"])

    return made


@pytest.fixture
def out(tmp_path):
    """What the program wrote."""
    file = tmp_path / "out"
    return lambda: file.read_text() if file.exists() else ""


WAIT = "import os, time\nopen(out, 'a').write(f'{os.getpid()}\\n')\ntime.sleep(60)"
STUBBORN = "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + WAIT.partition("\n")[2]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_they_run_inside_the_block_and_are_ended_after_it(program, out):
    async with companions([program(WAIT), program(WAIT)]):
        await until(lambda: out().count("\n") == 2)
        pids = [int(line) for line in out().split()]
        assert all(map(is_running, pids))
        assert {os.getsid(pid) for pid in pids} == set(pids), "the terminal's Ctrl-C does not reach them"
    assert not any(map(is_running, pids))


async def test_one_that_does_not_listen_is_killed(program, out, monkeypatch):
    monkeypatch.setattr(companion, "PATIENCE", 0.05)
    async with companions([program(STUBBORN)]):
        await until(lambda: out().endswith("\n"))
    assert not is_running(int(out()))


async def test_one_that_ends_is_told_and_takes_nothing_with_it(program, caplog):
    caplog.set_level(logging.ERROR)
    command = program("raise SystemExit(3)")
    async with companions([command]):
        await until(lambda: caplog.records)
        await anyio.lowlevel.checkpoint()
    assert caplog.messages == [f"{command} ended with exit code 3"]


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("/nowhere/echo 3000", "no such file or directory"),
        ("", "it is empty"),
        ("echo 'torn", "no closing quotation"),
    ],
)
async def test_one_that_cannot_be_started_is_an_error_and_the_others_end(program, out, command, why):
    with pytest.raises((ConfigError, ExceptionGroup)) as raised:
        async with companions([program(WAIT), command]):
            pytest.fail("this block is not reached")
    error = raised.value
    while isinstance(error, ExceptionGroup):
        (error,) = error.exceptions
    assert str(error) == f"--with {command!r} cannot be started: {why}"
    assert not any(is_running(int(pid)) for pid in out().split())
