"""The example for gRPC without a proxy, from its file to a real gRPC client and back to its author."""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import DEVNULL

import aiohttp
import anyio
import grpc
import pytest
from click.testing import CliRunner

from xds.control import cli

ROOT = Path(__file__).parents[2]
CALLER = ROOT / "tests" / "proxyless" / "grpc_caller.py"
EXAMPLE = (ROOT / "examples" / "proxyless-grpc.yaml").read_text()
DEADLINE = 60


class Pong(grpc.GenericRpcHandler):
    """Answers every call."""

    def service(self, handler_call_details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: b"pong")


@pytest.fixture
def file(tmp_path):
    """The example, with the port of a gRPC server that answers every call."""
    server = grpc.server(ThreadPoolExecutor(1), [Pong()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    text = EXAMPLE.replace("50051", str(port))
    text = "".join(line for line in text.splitlines(keepends=True) if "50052" not in line)
    path = tmp_path / "grpc.yaml"
    path.write_text(text)
    yield path
    server.stop(None)


@pytest.fixture
async def legation(tmp_path, file):
    """`legation serve` of that file: (where xDS is, where the admin page is)."""
    (tmp_path / "free.yaml").write_text("xds: {port: 0}\nadmin: {port: 0}\n")
    command = [sys.executable, "-c", "from xds.control.cli import main; main()", "serve", str(file)]
    async with await anyio.open_process([*command, "--config", str(tmp_path / "free.yaml")], stderr=DEVNULL) as process:
        printed = ""
        with anyio.fail_after(DEADLINE):
            while "  xds  " not in printed:
                printed += (await process.stdout.receive()).decode()
        said = dict(line.split(maxsplit=1) for line in printed.splitlines() if line.strip())
        yield said["xds"], said["admin"].rstrip("/")
        process.terminate()
        with anyio.fail_after(DEADLINE):
            await process.wait()


@pytest.fixture
async def call(legation):
    """A gRPC client that stays: calls the target of the example, in a channel that it keeps."""
    asking = ["bootstrap", "--for", "grpc", "--group", "greeter-clients", "--xds-address", legation[0]]
    told = CliRunner().invoke(cli.main, asking, catch_exceptions=False).output
    environment = {**os.environ, "GRPC_XDS_BOOTSTRAP_CONFIG": told, "GRPC_VERBOSITY": "NONE"}
    async with await anyio.open_process([sys.executable, str(CALLER)], env=environment, stderr=DEVNULL) as caller:

        async def call() -> str:
            await caller.stdin.send(b'["greeter"]\n')
            with anyio.fail_after(DEADLINE):
                return json.loads(await caller.stdout.receive())[0]

        yield call
        await caller.stdin.aclose()


async def test_a_client_is_served_and_what_it_refuses_is_told_to_the_author_until_it_is_mended(legation, call, file):
    async with aiohttp.ClientSession(legation[1]) as admin:

        async def until(path, condition):
            with anyio.fail_after(DEADLINE):
                while True:
                    async with admin.get(path) as answer:
                        if condition(told := await answer.json()):
                            return told
                    await anyio.sleep(0.02)

        assert await call() == "OK"
        good = file.read_text()
        file.write_text(good.replace("lb_policy: ROUND_ROBIN", "lb_policy: RANDOM"))
        (told,) = await until("/diagnostics", lambda told: told)
        assert (told["object"], told["field"]) == ("EnvoyResources default/greeter", "spec.resources[2].lb_policy")
        (author,) = await until("/status", lambda told: not told[0]["well"])
        (failing,) = [one for one in author["failing"] if one["type"] == "Programmed"]
        assert "cds greeter was refused" in failing["message"]
        assert "LB policy is not supported" in failing["message"]
        assert failing["message"].endswith("(its last good version stays in force)")
        assert await call() == "OK"
        file.write_text(good)
        await until("/status", lambda told: told[0]["well"])
        assert (await until("/proxies", lambda told: told["proxies"]))["refused"] == []
        assert await call() == "OK"
