"""Logs: what goes to standard error, as text for people or as JSON for programs."""

from __future__ import annotations

import json
import logging
import sys
import time

from xds.control.settings import Log

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
QUIET = ("aiohttp", "asyncio", "grpclib", "h2", "hpack", "kubernetes_asyncio", "watchfiles")
"""Libraries that are heard only when something is wrong."""
COLOURS = {logging.WARNING: "\x1b[33m", logging.ERROR: "\x1b[31m", logging.CRITICAL: "\x1b[31m"}


class Text(logging.Formatter):
    """`12:00:01 error  words`, coloured on a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        colour = COLOURS.get(record.levelno, "") if sys.stderr.isatty() else ""
        words = super().format(record).replace("\n", "\n" + " " * 17)
        return f"{clock} {colour}{record.levelname.lower():7}{chr(27) + '[0m' if colour else ''} {words}"


class Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        level = record.levelname.lower()
        body = {"time": record.created, "level": level, "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            body["exception"] = self.formatException(record.exc_info)
        return json.dumps(body, ensure_ascii=False)


def set_up(settings: Log) -> None:
    """Sends every log record of this process to standard error, by these settings."""
    handler = logging.StreamHandler()
    handler.setFormatter(Json() if settings.format == "json" else Text("%(message)s"))
    logging.basicConfig(level=LEVELS[settings.level], handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
