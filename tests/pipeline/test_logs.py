"""How the log looks: for people, and for programs."""

from __future__ import annotations

import json
import logging
import re
import sys

import pytest

from xds.control import logs
from xds.control.settings import Log


@pytest.fixture
def root():
    """The root logger, as it was afterwards."""
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    others = {name: logging.getLogger(name).level for name in logs.QUIET}
    yield logger
    logger.handlers[:], logger.level = handlers, level
    for name, before in others.items():
        logging.getLogger(name).setLevel(before)


def record(message: str, *values: object, level: int = logging.ERROR, exc_info=None) -> logging.LogRecord:
    return logging.LogRecord("legation", level, __file__, 1, message, values, exc_info)


def failure():
    try:
        int("torn")
    except ValueError:
        return sys.exc_info()


class TestText:
    def test_a_line_has_the_time_the_level_and_the_words(self):
        line = logs.Text("%(message)s").format(record("%s is torn", "a.yaml"))
        assert re.fullmatch(r"\d\d:\d\d:\d\d error   a\.yaml is torn", line)

    def test_further_lines_stand_below_the_words(self):
        first, second = logs.Text("%(message)s").format(record("a.yaml is torn\n    mend it")).splitlines()
        assert second.index("mend it") == first.index("a.yaml") + 4

    def test_a_terminal_has_colours(self, monkeypatch):
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
        assert "\x1b[31merror  \x1b[0m torn" in logs.Text("%(message)s").format(record("torn"))
        assert "\x1b" not in logs.Text("%(message)s").format(record("fine", level=logging.INFO))


class TestJson:
    def test_a_line_is_an_object(self):
        body = json.loads(logs.Json().format(record("%s is torn: ä\n", "a.yaml")))
        assert body.pop("time") > 1e9
        assert body == {"level": "error", "logger": "legation", "message": "a.yaml is torn: ä\n"}

    def test_an_exception_is_a_field(self):
        line = logs.Json().format(record("failed", exc_info=failure()))
        assert "\n" not in line
        assert json.loads(line)["exception"].endswith("with base 10: 'torn'")


def test_everything_goes_to_standard_error_from_the_level_on(root, capsys):
    logs.set_up(Log(level="warning"))
    logging.getLogger("legation").info("quiet")
    logging.getLogger("legation").warning("loud")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("warning loud\n")
    assert "quiet" not in err


def test_libraries_are_heard_only_when_something_is_wrong(root, capsys):
    logs.set_up(Log(level="debug", format="json"))
    logging.getLogger("aiohttp.access").info("GET /")
    logging.getLogger("grpclib").error("broken")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["message"] == "broken"
