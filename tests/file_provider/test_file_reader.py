"""The reader: what cannot be read, and what need not be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from providers.file.reader import FRESH_NS, Reader
from providers.file.tree import walk
from xds.model import Severity


class Desk:
    """A reader with a small limit, and what it says."""

    def __init__(self, kinds) -> None:
        self.reader = Reader(kinds, max_file_bytes=3000)

    def read(self, *paths: str) -> dict:
        return dict(self.reader.read(walk(paths)))

    def told(self, *paths: str) -> dict:
        """place -> the one thing that is wrong with it."""
        return {place: str(one.faults[0].diagnostic) for place, one in self.read(*paths).items() if one.faults}


@pytest.fixture
def desk(kinds) -> Desk:
    return Desk(kinds)


def test_a_large_file_is_told_with_both_sizes_and_the_setting(home, desk):
    (home / "big.yaml").write_bytes(b"#" * 50 * 1024)
    hint = "divide it, or raise providers.file.max_file_bytes in the settings file"
    said = f"big.yaml: is 50 kB, the limit is 2.93 kB\n    {hint}"
    assert desk.told("big.yaml") == {"big.yaml": said}


def test_a_file_that_is_no_text_is_told_with_its_line(home, desk):
    (home / "a.yaml").write_bytes(b"# fine\n\xff\xfe\n")
    assert desk.told("a.yaml") == {"a.yaml": "a.yaml:2: is not UTF-8 text: byte 0xff\n    save it as UTF-8"}


def test_a_byte_order_mark_is_no_part_of_the_text(home, desk, write):
    (home / "a.yaml").write_bytes(b"\xef\xbb\xbf" + write("a").encode())
    assert len(desk.read("a.yaml")["a.yaml"].objects) == 1


def test_a_pipe_is_not_waited_for(home, desk):
    os.mkfifo(home / "pipe")
    said = "pipe: is neither a file nor a directory\n    a pipe's text must be saved first"
    assert desk.told("pipe") == {"pipe": said}


def test_a_path_that_does_not_exist_is_awaited(home, desk):
    (home / "link.yaml").symlink_to("nowhere")
    assert desk.told("nope", "link.yaml") == {
        "nope": "nope: does not exist\n    it is read as soon as it appears",
        "link.yaml": "link.yaml: is a link to nothing\n    it is read as soon as it appears",
    }


def test_links_in_a_circle_cannot_be_read(home, desk):
    (home / "a.yaml").symlink_to("a.yaml")
    assert desk.told("a.yaml") == {"a.yaml": "a.yaml: cannot be read: too many levels of symbolic links"}


@pytest.mark.usefixtures("permissions")
def test_a_file_without_permission_cannot_be_read(home, desk, write):
    (home / "a.yaml").write_text(write("a"))
    (home / "a.yaml").chmod(0)
    assert desk.told("a.yaml") == {"a.yaml": "a.yaml: cannot be read: permission denied"}


@pytest.mark.usefixtures("permissions")
def test_files_in_a_directory_that_cannot_be_listed_say_what_they_said(home, desk, write):
    (home / "conf").mkdir()
    (home / "conf/a.yaml").write_text(write("a"))
    before = desk.read("conf")
    (home / "conf").chmod(0)
    after = desk.read("conf")
    (home / "conf").chmod(0o700)
    assert str(after.pop("conf").faults[0].diagnostic) == "conf: cannot be read: permission denied"
    assert after["conf/a.yaml"] is before["conf/a.yaml"]


def test_any_other_failure_to_open_is_told_and_may_be_about_every_object(home, desk, write, monkeypatch):
    def refuse(_path):
        raise PermissionError(13, "Permission denied")

    (home / "a.yaml").write_text(write("a"))
    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert desk.told("a.yaml") == {"a.yaml": "a.yaml: cannot be read: permission denied"}
    assert desk.read("a.yaml")["a.yaml"].faults[0].holds is None


@pytest.mark.parametrize("text", [None, "# nothing\n"])
def test_a_directory_or_file_without_a_document_is_a_warning(home, desk, text):
    (home / "conf").mkdir()
    if text:
        (home / "conf/a.yaml").write_text(text)
        (home / "b.yaml").write_text(text)
    said = desk.told("conf", *["b.yaml"] * bool(text))
    assert said.keys() == ({"conf", "b.yaml"} if text else {"conf"})
    assert said["conf"].startswith("conf: has no document, so nothing here is served")
    assert desk.read("conf")["conf"].faults[0].diagnostic.severity is Severity.WARNING


def test_a_directory_with_a_document_or_a_mistake_is_no_warning(home, desk, write):
    for name, text in (("good", write("a")), ("bad", "[\n")):
        (home / name).mkdir()
        (home / name / "a.yaml").write_text(text)
    assert desk.read("good", "bad").keys() == {"good/a.yaml", "bad/a.yaml"}


def test_an_unchanged_file_is_not_opened_again(home, desk, write, monkeypatch):
    (home / "a.yaml").write_text(write("a"))
    monkeypatch.setattr("providers.file.reader.time.time_ns", lambda: (home / "a.yaml").stat().st_ctime_ns + FRESH_NS)
    before = desk.read("a.yaml")["a.yaml"]
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("it was opened"))
    assert desk.read("a.yaml")["a.yaml"] is before


def test_a_file_changed_just_now_is_read_again_whatever_its_time_stamp(home, desk, write):
    """Two changes within one tick of the kernel's clock look the same from outside."""
    (home / "a.yaml").write_text(write("a"))
    tree = walk(["a.yaml"])
    desk.reader.read(tree)
    (home / "a.yaml").write_text(write("b"))
    assert [one.key.name for one in desk.reader.read(tree)["a.yaml"].objects] == ["b"]
