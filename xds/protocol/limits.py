"""Limits: how long a client may take to answer, and how much it may ask for and be sent at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from xds.model import ProtocolError
from xds.protocol.message import Request

EXHAUSTED: Final = "RESOURCE_EXHAUSTED"
FEWER: Final = "ask for fewer, or for everything with *"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one stream allows its client.

    `patience` is how many seconds a response may stay unanswered before what depends on it goes on without the answer;
    it is more than the 15 s for which Envoy lets a cluster warm (`initial_fetch_timeout`) and withholds its ACK.
    `response_bytes` is how long a response may be, about: gRPC clients read no message beyond 4 MiB. What is more goes out
    in several responses, one after the other's ACK, but for the full states of SotW, which cannot be divided.
    What a client may make this control plane remember is bounded: `types` in one stream; `names` in all its subscriptions
    together, with `text` characters between them; and in each name, or type URL, `name_length` characters.

    `on_demand` are the type URLs of which what does not exist may be made when it is asked for.
    """

    patience: float = 30.0
    response_bytes: int = 3_670_016
    types: int = 64
    names: int = 1_000_000
    name_length: int = 4096
    text: int = 64 << 20
    on_demand: frozenset[str] = frozenset()

    def check_request(self, request: Request) -> None:
        """Raises ProtocolError when a request is more than may be in any."""
        if len(request.type_url) > self.name_length:
            raise ProtocolError(f"a type_url has {len(request.type_url)} characters: at most {self.name_length} are read")
        every = (request.names, request.subscribe, request.unsubscribe, request.initial)
        for names in filter(None, every):
            if (longest := max(map(len, names))) > self.name_length:
                raise ProtocolError(f"a resource name has {longest} characters: at most {self.name_length} are read")
            self.check_names(names)

    def check_names(self, *every: Collection[str]) -> None:
        """Raises ProtocolError when these are more names, or longer ones, than one stream may ask for."""
        many = sum(map(len, every))
        if many > self.names:
            raise ProtocolError(f"{many} resource names, at most {self.names} in a stream: {FEWER}", code=EXHAUSTED)
        if many * self.name_length > self.text and (text := sum(sum(map(len, names)) for names in every)) > self.text:
            raise ProtocolError(f"resource names of {text} characters, at most {self.text}: {FEWER}", code=EXHAUSTED)

    def check_types(self, many: int) -> None:
        """Raises ProtocolError when these are more types than one stream may ask for."""
        if many > self.types:
            raise ProtocolError(f"more than {self.types} resource types in a stream: open another", code=EXHAUSTED)


DEFAULT: Final = Limits()
