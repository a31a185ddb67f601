"""The xDS protocol without I/O: one stream's state machine, the order tables, SotW and delta as two dialects."""

from xds.protocol.delivery import Delivery, Progress
from xds.protocol.dialect import DELTA, SOTW, Dialect
from xds.protocol.limits import Limits
from xds.protocol.message import Accepted, Fact, Notice, Overdue, Oversized, Rejected, Request, Response
from xds.protocol.stream import Stream
from xds.protocol.verdict import Verdicts

__all__ = [
    "DELTA",
    "SOTW",
    "Accepted",
    "Delivery",
    "Dialect",
    "Fact",
    "Limits",
    "Notice",
    "Overdue",
    "Oversized",
    "Progress",
    "Rejected",
    "Request",
    "Response",
    "Stream",
    "Verdicts",
]
