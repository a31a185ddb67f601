"""The API server: requests in, JSON out, every failure in words. What the JSON means is not known here."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import aiohttp
import msgspec
from anyio.to_thread import run_sync

from providers.kubernetes import credentials
from providers.kubernetes.credentials import Credentials
from providers.kubernetes.settings import Settings
from xds.model import LegationError

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
SILENCE: Final = 100.0
"""Seconds for which a watch may say nothing: the API server sends a bookmark about every minute."""
SHORT: Final = aiohttp.ClientTimeout(total=60, sock_connect=10)
LONG: Final = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=SILENCE)

HINTS: Final[Mapping[int, str]] = {
    401: "renew the token or the kubeconfig",
    403: "grant it with a Role or a ClusterRole",
}


class Details(msgspec.Struct, rename="camel"):
    """What a failure says to programs."""

    retry_after_seconds: float | None = None


class Failure(msgspec.Struct):
    """A `Status` object, as the API server answers with when it refuses; also within a watch."""

    message: str = ""
    reason: str = ""
    code: int = 0
    details: Details | None = None


class ApiError(LegationError):
    """The API server refused. `status` is the code of HTTP, `reason` Kubernetes' own word (Conflict, Expired, NotFound,
    Forbidden, …), `message` its own words, `retry_after` the seconds after which it wants to be asked again.
    """

    def __init__(self, where: str, failure: Failure) -> None:
        self.status, self.reason, self.message = failure.code, failure.reason, failure.message
        self.retry_after = failure.details.retry_after_seconds if failure.details else None
        hint = f" ({hint})" if (hint := HINTS.get(failure.code)) else ""
        super().__init__(f"{where} is answered {failure.code} {failure.reason}: {failure.message}{hint}")


@dataclass(frozen=True, slots=True)
class Request:
    """One request, all but the credentials."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    timeout: aiohttp.ClientTimeout = SHORT


class Api:
    """A session with one API server. All it raises are ApiError, where the server refuses, and OSError, where it cannot be
    reached, breaks off or takes too long. No error has a token in it.
    """

    def __init__(self, session: aiohttp.ClientSession, login: Credentials) -> None:
        self._session, self._login = session, login

    @property
    def server(self) -> str:
        """The address: `https://HOST:PORT`."""
        return self._login.server

    async def read(self, path: str, query: Mapping[str, str] = NOTHING) -> bytes:
        """The answer to a GET."""
        async with self._answer(Request("GET", path, query)) as response:
            return await response.read()

    async def send(
        self,
        method: str,
        path: str,
        body: bytes,
        content_type: str = "application/json",
        query: Mapping[str, str] = NOTHING,
    ) -> bytes:
        """The answer to a request with a body."""
        async with self._answer(Request(method, path, query, {"Content-Type": content_type}, body)) as response:
            return await response.read()

    @asynccontextmanager
    async def lines(self, path: str, query: Mapping[str, str] = NOTHING) -> AsyncIterator[AsyncIterator[bytes]]:
        """The lines of an answer that goes on; entered when it begins. They end when the server ends them, or is silent."""
        async with self._answer(Request("GET", path, query, timeout=LONG)) as response, aclosing(_lines(response)) as lines:
            yield lines

    @asynccontextmanager
    async def _answer(self, request: Request) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            async with self._sent(request, await self._login.headers()) as response:
                if not response.ok:
                    raise await self._refusal(request, response)
                yield response
        except TimeoutError as error:
            raise TimeoutError(f"{self.server} does not answer in time") from error
        except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError) as error:
            raise ConnectionResetError(f"{self.server} broke off in the middle of an answer") from error
        except aiohttp.ClientError as error:
            raise OSError(f"{self.server} cannot be reached: {_in_words(error)}") from error

    def _sent(self, request: Request, login: Mapping[str, str]) -> Any:
        return self._session.request(
            request.method,
            self.server + request.path,
            params=request.query,
            headers={"Accept": "application/json", "Accept-Encoding": "identity", **request.headers, **login},
            data=request.body,
            timeout=request.timeout,
            proxy=self._login.proxy,
            server_hostname=self._login.server_name,
        )

    async def _refusal(self, request: Request, response: aiohttp.ClientResponse) -> ApiError:
        if response.status == 401:
            self._login.doubt()
        failure = _failure(await response.read())
        failure.code, failure.reason = response.status, failure.reason or response.reason or ""
        if after := response.headers.get("Retry-After", ""):
            failure.details = Details(float(after) if after.isdecimal() else None)
        return ApiError(f"{self.server}: {request.method} {request.path}", failure)


@asynccontextmanager
async def connect(settings: Settings) -> AsyncIterator[Api]:
    """A session with the API server that these settings lead to. Raises ConfigError when they lead to none."""
    login = await run_sync(partial(credentials.load, settings), abandon_on_cancel=True)
    connector = aiohttp.TCPConnector(limit=0, ssl=login.tls)  # there are as many connections as watches
    async with aiohttp.ClientSession(connector=connector, headers={"User-Agent": "legation"}) as session:
        yield Api(session, login)


async def _lines(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes]:
    rest = b""
    try:
        async for chunk in response.content.iter_any():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line
    except aiohttp.SocketTimeoutError:
        return


def _failure(body: bytes) -> Failure:
    try:
        return msgspec.json.decode(body, type=Failure)
    except msgspec.MsgspecError:  # something between us and the API server answered
        return Failure(body[:200].decode(errors="replace").strip())


def _in_words(error: aiohttp.ClientError) -> str:
    if isinstance(error, aiohttp.ClientSSLError):
        return f"TLS fails: {error.__cause__ or error} (is it the server that the credentials are for?)"
    code = getattr(error, "errno", None) or 0
    return os.strerror(code) if code > 0 else str(error) or type(error).__name__
