"""`legation bench`: tiny grids through real servers and clients. No number is looked at."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.progress import Progress

from benchmarks import bench, machine, usage
from benchmarks.bench import Bench, Metric, Options
from benchmarks.error import BenchError
from benchmarks.result import page
from benchmarks.result.picture import PICTURES
from benchmarks.result.row import Row
from benchmarks.result.run import Run
from benchmarks.scenario import SCENARIOS
from benchmarks.scenario.scenario import streamed
from benchmarks.server.table import Server
from xds.control.cli import main
from xds.model.type_url import CDS

SOON = 60.0
OURS = ("--server", "legation")
FEW = ("--proxies", "3", "--resources", "5", "--type", "cds", "--changed", "1", "--stuck", "mute", "--holding", "all")
TINY = (*FEW, "--changes", "2", "--seconds", "0.2")
STREAMED = {
    "S3": {"last proxy", "p50", "p99", "worst"},
    "S4": {"all proxies", "p50", "CPU per proxy"},
    "S5": {"memory per proxy", "memory per resource", "memory"},
    "S6": {"CPU per push and ACK", "the client's own CPU"},
    "S7": {"all settled", "p99", "sent", "peak memory", "refused or reset", "CPU per proxy"},
    "S13": {"last proxy", "p99", "memory grown"},
}


@pytest.fixture
def run():
    """Runs the command: its exit code, and all that it said."""

    def made(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["bench", *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.output

    return made


@pytest.mark.parametrize("scenario", STREAMED)
def test_a_scenario_is_measured_in_every_cell(run, scenario, tmp_path):
    file = tmp_path / "run.json"
    code, output = run(scenario.lower(), *OURS, *TINY, "--json", str(file))
    assert code == 0, output
    rows = Run.read(file).rows
    assert {row.metric for row in rows} == STREAMED[scenario]
    assert {row.server for row in rows} == {"legation"}
    assert all(len(row.samples) == 1 for row in rows)
    assert f"{scenario} {SCENARIOS[scenario].title}" in output


@pytest.mark.parametrize("one", PICTURES, ids=lambda one: one.name)
def test_a_picture_shows_what_is_measured(one):
    assert one.metric in STREAMED[one.scenario]


def test_churn_is_searched_for(run):
    code, output = run("S8", *OURS, *TINY, "--proxies", "1")
    assert code == 0, output
    assert "updates/s" in output


def test_changes_can_come_at_a_rate_and_acks_be_fat(run):
    code, output = run("S3", *OURS, *TINY, "--rate", "20", "--fat-acks", "--no-pin", "--dialect", "sotw")
    assert code == 0, output


def test_two_that_are_measured_are_compared_run_by_run(run, tmp_path):
    before = f"before={sys.executable} {Path(bench.__file__).parent / 'server' / 'legation.py'} --loop asyncio"
    file = tmp_path / "run.json"
    arguments = ("--server", before, "--repetitions", "2", "--dialect", "delta", "--json", str(file))
    code, output = run("S3", "S6", *OURS, *arguments, *TINY)
    assert code == 0, output
    assert "ratio to the best peer" in output
    found = Run.read(file)
    assert {row.server: len(row.samples) for row in found.rows} == {"legation": 2, "before": 2}
    assert found.machine["kernel"]
    assert found.versions["before"].endswith("asyncio")


def test_a_server_that_runs_already_is_measured_where_it_is(run):
    with running_server() as target:
        code, output = run("S4", "--target", target, *TINY, "--dialect", "delta")
        assert code == 0, output
        assert target in output
        code, output = run("S3", "--target", target, *TINY, "--dialect", "delta")
        assert code == 1
        assert "say how with --on-change COMMAND" in output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("S99",), "there is no scenario 'S99': there are S1, "),
        (("S3", "--server", "nobody"), "there is no server 'nobody': there are legation, "),
        (("S3", "--proxies", "many"), "'many' is not a valid integer range"),
        (("S3", "--type", "cds,xyz"), "'xyz' is not one of"),
    ],
)
def test_what_there_is_not_is_told_before_anything_runs(run, arguments, words):
    code, output = run(*arguments)
    assert code == 2
    assert words in output


def test_a_server_that_does_not_come_up_is_told_and_the_others_are_measured(run):
    code, output = run("S3", *OURS, "--server", f"broken={sys.executable} -c 0", "--dialect", "delta", *TINY)
    assert code == 1
    assert "broken ended by itself, with code 0" in output
    assert "last proxy" in output


async def test_a_server_that_lacks_something_is_left_out_and_that_is_said(anyio_backend):
    servers = {"legation": Server("x"), "other": Server("y", missing=lambda: "there is no Go")}
    it = Bench(Options(), servers, None)
    assert list(it.servers) == ["legation"]
    assert it.notes == ["other is not measured: there is no Go"]


async def test_servers_take_turns_and_are_measured_as_often_as_asked(anyio_backend):
    order = []

    async def measure(_, name, cell, repetition):
        order.append((cell["proxies"], repetition, name))
        return {Metric("taken", "ms"): len(order)}

    servers = {"a": Server("x"), "b": Server("y", most=1), "polled": Server("z", polled=True)}
    it = Bench(Options(repetitions=2), servers, Progress(disable=True))
    rows = await it.rows("S", [{"proxies": 1}, {"proxies": 2}], measure, concerns=streamed)
    assert order == [(1, 0, "a"), (1, 0, "b"), (1, 1, "a"), (1, 1, "b"), (2, 0, "a"), (2, 1, "a")]
    assert [(row.server, row.samples) for row in rows] == [("a", (1, 3)), ("b", (2, 4)), ("a", (5, 6))]
    assert len(await it.rows("S", [{"proxies": 2}], measure, concerns=streamed, most=1)) == 1
    assert len(order) == 7


def test_too_few_open_files_are_told(monkeypatch):
    monkeypatch.setattr(machine.resource, "getrlimit", lambda _: (256, 1024))
    monkeypatch.setattr(machine.resource, "setrlimit", lambda *_: pytest.fail("it is enough as it is"))
    machine.allow(50)
    with pytest.raises(BenchError, match=r"5000 proxies need 5200 open files, and this shell allows 1024: .*ulimit -n 5200"):
        machine.allow(5000)


def test_ctrl_c_ends_all_that_was_started():
    program = [str(Path(sys.executable).with_name("legation")), "bench", "S3", *OURS, *FEW, "--changes", "100000"]
    started = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    children = until(
        lambda: [one for one in usage._family(started.pid) if one != started.pid], lambda found: len(found) == 2
    )
    started.send_signal(signal.SIGINT)
    started.wait(SOON)
    until(lambda: [one for one in children if is_there(one)], lambda left: not left)


def test_the_page_is_written_with_its_data_and_pictures(tmp_path):
    pytest.importorskip("matplotlib")
    rows = [Row("S3", {"proxies": n}, "legation", "last proxy", "ms", (float(n),)) for n in (1, 100)]
    made = Run({"CPU": "a fast one"}, {"legation": "1"}, "abc", 1, tuple(rows))
    page.write(made, {"S3": "propagation"}, tmp_path / "RESULTS.md")
    assert Run.read(tmp_path / "RESULTS.json") == made
    assert "(pictures/latency.svg)" in (tmp_path / "RESULTS.md").read_text()
    assert (tmp_path / "pictures" / "latency.svg").exists()


class running_server:  # noqa: N801  used as a function
    """Our server, on a port of 127.0.0.1, told by nobody from here."""

    def __enter__(self) -> str:
        port = machine.unused_port()
        adapter = Path(bench.__file__).parent / "server" / "legation.py"
        command_ = [sys.executable, str(adapter), "--port", str(port)]
        self._process = subprocess.Popen(command_, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._process.stdout.readline()
        resource = {"type_url": CDS, "name": "a", "value": "CgFh"}
        self._process.stdin.write(json.dumps({"do": "set", "group": "edge", "resources": [resource]}).encode() + b"\n")
        self._process.stdin.flush()
        self._process.stdout.readline()
        return f"127.0.0.1:{port}"

    def __exit__(self, *_) -> None:
        self._process.stdin.close()
        self._process.wait(SOON)
        self._process.stdout.close()


def is_there(pid: int) -> bool:
    return Path("/proc", str(pid)).exists()


def until(look, holds):
    """What is seen when it is as it should be."""
    deadline = time.monotonic() + SOON
    while not holds(seen := look()):
        assert time.monotonic() < deadline, seen
        time.sleep(0.05)
    return seen
