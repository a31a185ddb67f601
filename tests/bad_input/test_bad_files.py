"""Files that cannot be read at all: told as a whole, without a line, and nothing that was in force goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from mistakes import GOOD_ROUTE


@pytest.fixture
def unreadable(monkeypatch):
    """Makes one file unreadable, for any user."""
    really = Path.read_bytes

    def refuse(name: str) -> None:
        def read_bytes(path: Path) -> bytes:
            if path.name == name:
                raise PermissionError(13, "Permission denied")
            return really(path)

        monkeypatch.setattr(Path, "read_bytes", read_bytes)

    return refuse


def large(path: Path) -> None:
    """A file of 50 MB."""
    with path.open("wb") as file:
        file.truncate(50_000_000)


HINT = "divide it, or raise providers.file.max_file_bytes in the settings file"
LARGE = f"bad.yaml: error: is 47.7 MB, the limit is 16 MB\n    {HINT}\n3 objects: 1 error, no warnings\n"


def test_a_large_file_is_not_read(here, legation):
    large(here / "bad.yaml")
    assert legation("check", "good", "bad.yaml") == (1, LARGE, "")


def test_a_file_that_may_not_be_read(here, legation, unreadable):
    (here / "bad.yaml").touch()
    unreadable("bad.yaml")
    said = "bad.yaml: error: cannot be read: permission denied\n3 objects: 1 error, no warnings\n"
    assert legation("check", "good", "bad.yaml") == (1, said, "")


def test_links_in_a_circle(here, legation):
    (here / "bad.yaml").symlink_to("bad.yaml")
    code, out, _ = legation("check", "good", "bad.yaml")
    assert code == 1
    assert out.startswith("bad.yaml: error: cannot be read: too many levels of symbolic links\n")


def test_a_path_that_leads_nowhere(here, legation):
    said = "nowhere: error: does not exist\n    it is read as soon as it appears\n3 objects: 1 error, no warnings\n"
    assert legation("check", "good", "nowhere") == (1, said, "")


def test_an_empty_directory_is_a_warning(here, legation):
    (here / "empty").mkdir()
    said = (
        "empty: warning: has no document, so nothing here is served\n"
        "    a directory's .yaml, .yml and .json files are read, and those of the directories in it\n"
        "no objects: no errors, 1 warning\n"
    )
    assert legation("check", "empty") == (0, said, "")


def test_a_file_that_is_no_text_has_the_line(here, legation):
    (here / "bad.yaml").write_bytes(b"# fine\nkind: \xff\n")
    said = "bad.yaml:2: error: is not UTF-8 text: byte 0xff\n    save it as UTF-8\n3 objects: 1 error, no warnings\n"
    assert legation("check", "good", "bad.yaml") == (1, said, "")


def test_json_has_no_line_where_there_is_none(here, legation):
    large(here / "bad.yaml")
    assert '"line": 0,' in legation("check", "good", "bad.yaml", "-o", "json")[1]


async def test_an_empty_directory_is_served_as_soon_as_there_is_something(here, live):
    (here / "empty").mkdir()
    async with live("good", "empty") as made:
        assert len(made.complaints()) == 1
        (here / "empty/route.yaml").write_text(GOOD_ROUTE.replace("name: good", "name: more").partition("---")[0])
        await made.until(lambda: not made.complaints())
        assert {key.name for key in made.plane.statuses()} == {"edge", "good", "more", "echo"}


@pytest.mark.parametrize("spoil", ["large", "unreadable", "a circle"])
async def test_what_a_file_said_stays_while_it_cannot_be_read(here, live, unreadable, spoil, monkeypatch):
    file = here / "good/route.yaml"
    async with live("good") as made:
        before = made.served
        match spoil:
            case "large":
                large(file)
            case "unreadable":
                unreadable("route.yaml")
                file.write_text(GOOD_ROUTE + "# touched\n")
            case "a circle":
                file.unlink()
                file.symlink_to("route.yaml")
        await made.until(made.complaints)
        assert len(made.complaints()) == 1
        assert made.complaints()[0].startswith("good/route.yaml: ")
        kept = "until this is mended, what was read before stays: HTTPRoute default/good, Backend default/echo"
        assert made.complaints()[0].endswith(kept)
        assert made.served == before
        monkeypatch.undo()
        monkeypatch.chdir(here)
        file.unlink()
        file.write_text(GOOD_ROUTE)
        await made.until(lambda: not made.complaints())
        assert made.served == before
