"""Terms: what a worker serves with. They are handed to it once, as pickle, by the process that starts it."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace

from xds.model import ConfigError
from xds.server.authority import Authority
from xds.server.grouping import GroupOf
from xds.server.report import Reports
from xds.server.transport import Transport


@dataclass(frozen=True, slots=True)
class Terms:
    """As in XdsServer, and where to listen. `on_demand` are the types that the builder makes on demand; the load sinks are
    with the builder, too. Lines of the log below the `level` are not told.
    """

    grouping: GroupOf
    authority: Authority
    transport: Transport
    reports: Reports
    identifier: str
    on_demand: frozenset[str]
    host: str = "127.0.0.1"
    port: int = 0
    level: int = 0

    def pack(self) -> bytes:
        """The terms for another process. Raises ConfigError where a plug-in cannot be taken there."""
        try:
            return pickle.dumps(replace(self, reports=replace(self.reports, load_sinks=())))
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ConfigError(
                f"is {self.transport.workers}, but the grouping or an authenticator cannot be handed to workers: {error}",
                field="xds.workers",
                hint="write workers: 1, or let the plug-in be a class at the top of its module that opens nothing when made",
            ) from error


def unpack(body: bytes) -> Terms:
    """The terms as packed. Raises ConfigError where a plug-in is not found here."""
    try:
        terms: Terms = pickle.loads(body)  # noqa: S301  from the process that started this one, over a socket of their own
    except (pickle.UnpicklingError, AttributeError, ImportError) as error:
        raise ConfigError(
            f"is more than 1, but a worker does not find the grouping or an authenticator: {error}",
            field="xds.workers",
            hint="write workers: 1, or let the plug-in be in a module that can be imported",
        ) from error
    return terms
