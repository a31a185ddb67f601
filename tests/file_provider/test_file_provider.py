"""The file provider with real files: every way in which people and programs change them."""

from __future__ import annotations

import shutil
from functools import partialmethod
from itertools import count
from pathlib import Path

import anyio
import pytest

from providers.file import FileProvider, Settings, catalogue, provider, watcher
from providers.file.watcher import Watcher
from xds.model import Listed, Provider, Put


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request):
    return "asyncio", {"use_uvloop": request.param}


def replace(path, text: str) -> None:
    """As editors save: a new file moved over the old one."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text)
    fresh.rename(path)


def in_place(path, text: str) -> None:
    path.write_text(text)


def backed_up(path, text: str) -> None:
    """As vi saves where it must not move a new file over the old one: the old one is moved away first."""
    path.rename(path.with_name(f"{path.name}~"))
    path.write_text(text)


def test_it_is_a_provider():
    assert isinstance(FileProvider(Settings(("x",))), Provider)


async def test_everything_is_said_before_listed(home, follow, write):
    (home / "conf/sub").mkdir(parents=True)
    (home / "conf/sub/a.yaml").write_text(write("a") + write("b"))
    (home / "c.yml").write_text(write("c"))
    async with follow("conf", "c.yml") as seen:
        assert [event.object.key.name for event in seen.events[:3] if isinstance(event, Put)] == ["c", "a", "b"]
        assert isinstance(seen.events[-1], Listed)
        assert {str(one.origin) for one in seen.objects.values()} == {"conf/sub/a.yaml:2", "conf/sub/a.yaml:8", "c.yml:2"}


@pytest.fixture
def patient(monkeypatch) -> None:
    """What is gone is not believed as long as a test lasts, however slow the machine."""
    monkeypatch.setattr(catalogue, "SETTLE", 60.0)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("save", [in_place, replace, backed_up])
async def test_an_edit_is_noticed_and_nothing_is_deleted_on_the_way(home, follow, write, save):
    path = home / "a.yaml"
    path.write_text(write("a", "0") + write("b"))
    async with follow("a.yaml") as seen:
        for spec in "123":
            save(path, write("a", spec) + write("b"))
            await seen.until(lambda spec=spec: seen.says("a") == spec)
        assert seen.deleted() == set()
        assert [one.generation for key, one in seen.objects.items() if key.name == "a"] == [4]


async def test_edits_within_one_tick_of_the_clock_are_all_noticed(home, follow, write):
    path = home / "a.yaml"
    path.write_text(write("a", "00"))
    async with follow(".") as seen:
        for spec in range(10, 30):
            path.write_text(write("a", str(spec)))
            await seen.until(lambda spec=spec: seen.says("a") == str(spec))


@pytest.mark.usefixtures("patient")
async def test_a_file_that_is_emptied_before_it_is_written_loses_nothing(home, follow, write):
    """A slow copy: the file is empty, then half written, then whole; a sign in the neighbour shows it was looked at."""
    path = home / "a.yaml"
    path.write_text(write("a") + write("b"))
    whole = write("a", "2") + write("b", "2")
    async with follow(".") as seen:
        for number, part in enumerate(("", whole[:20], whole[:-5])):
            path.write_text(part)
            (home / f"sign{number}.yaml").write_text(write(f"sign{number}"))
            await seen.until(lambda sign=f"sign{number}": sign in seen.names())
        path.write_text(whole)
        await seen.until(lambda: seen.says("a") == seen.says("b") == "2")
        assert not seen.deleted() & {"a", "b"}


async def test_a_file_that_stays_empty_deletes_its_objects(home, follow, write):
    (home / "a.yaml").write_text(write("a"))
    async with follow("a.yaml") as seen:
        (home / "a.yaml").write_text("")
        await seen.until(lambda: not seen.objects)
        await seen.until(lambda: "has no document" in seen.told("a.yaml"))


async def test_a_broken_document_is_reported_and_a_mended_one_taken_back(home, follow, write):
    path = home / "a.yaml"
    path.write_text(write("a") + write("b"))
    async with follow("a.yaml") as seen:
        path.write_text(write("a").replace("kind", " kind") + write("b", "2"))
        await seen.until(lambda: "a.yaml:3: is not valid YAML" in seen.told("a.yaml"))
        assert (seen.says("a"), seen.says("b")) == ("1", "2")
        path.write_text(write("b", "2"))
        await seen.until(lambda: seen.names() == {"b"})
        await seen.until(lambda: seen.reports["a.yaml"] == ())


async def test_a_deleted_file_deletes_its_objects(home, follow, write):
    (home / "a.yaml").write_text(write("a"))
    (home / "b.yaml").write_text(write("b"))
    async with follow(".") as seen:
        (home / "a.yaml").unlink()
        await seen.until(lambda: seen.names() == {"b"})
        (home / "b.yaml").unlink()
        await seen.until(lambda: "has no document" in seen.told("."))
        assert seen.names() == set()


async def test_a_renamed_file_keeps_its_objects(home, follow, write):
    (home / "a.yaml").write_text(write("a"))
    async with follow(".") as seen:
        (home / "a.yaml").rename(home / "b.yaml")
        await seen.until(lambda: any(str(one.origin) == "./b.yaml:2" for one in seen.objects.values()))
        assert seen.deleted() == set()


async def test_a_second_definition_takes_over_when_the_first_is_deleted(home, follow, write):
    (home / "a.yaml").write_text(write("x", "a"))
    (home / "b.yaml").write_text(write("x", "b"))
    async with follow("a.yaml", "b.yaml") as seen:
        assert seen.says("x") == "a"
        assert "b.yaml:2: HTTPRoute default/x: is also defined at a.yaml:2" in seen.told("b.yaml")
        (home / "a.yaml").unlink()
        await seen.until(lambda: seen.says("x") == "b")
        assert seen.deleted() == set()


async def test_directories_that_come_later_are_followed(home, follow, write):
    (home / "conf").mkdir()
    async with follow("conf") as seen:
        assert "has no document" in seen.told("conf")
        (home / "conf/new/deep").mkdir(parents=True)
        (home / "conf/new/deep/a.yaml").write_text(write("a"))
        await seen.until(lambda: seen.names() == {"a"})
        assert seen.reports["conf"] == ()
        replace(home / "conf/new/deep/a.yaml", write("b"))
        await seen.until(lambda: seen.names() == {"b"})


async def test_a_directory_that_comes_while_the_watch_begins_is_followed(home, follow, write, monkeypatch):
    cover = watcher.Watcher.cover

    def cover_late(self, directories):
        (home / "conf/sub").mkdir(exist_ok=True)
        return cover(self, directories)

    (home / "conf").mkdir()
    monkeypatch.setattr(watcher.Watcher, "cover", cover_late)
    async with follow("conf") as seen:
        (home / "conf/sub/a.yaml").write_text(write("a"))
        await seen.until(lambda: seen.names() == {"a"})


async def test_a_directory_deleted_and_made_again_is_followed(home, follow, write):
    (home / "conf").mkdir()
    (home / "conf/a.yaml").write_text(write("a"))
    async with follow("conf") as seen:
        shutil.rmtree(home / "conf")
        await seen.until(lambda: not seen.objects and "does not exist" in seen.told("conf"))
        (home / "conf").mkdir()
        (home / "conf/b.yaml").write_text(write("b"))
        await seen.until(lambda: seen.names() == {"b"})
        assert seen.reports["conf"] == ()
        (home / "conf/b.yaml").write_text(write("c"))
        await seen.until(lambda: seen.names() == {"c"})


def moved(home) -> None:
    (home / "conf").rename(home / ".old")
    (home / ".new").rename(home / "conf")


def copied(home) -> None:
    shutil.rmtree(home / "conf")
    shutil.copytree(home / ".new", home / "conf")


@pytest.mark.parametrize("exchange", [moved, copied])
@pytest.mark.parametrize("path", ["conf", "conf/sub/a.yaml", "."])
async def test_a_directory_exchanged_at_once_is_followed(home, follow, write, path, exchange):
    """Nobody sees that it was away, and yet the watch on the old one tells nothing any more."""
    for place, spec in (("conf", "1"), (".new", "2")):
        (home / place / "sub").mkdir(parents=True)
        (home / place / "sub/a.yaml").write_text(write("a", spec))
    async with follow(path) as seen:
        exchange(home)
        await seen.until(lambda: seen.says("a") == "2")
        replace(home / "conf/sub/a.yaml", write("a", "3"))
        await seen.until(lambda: seen.says("a") == "3")


async def test_a_path_that_does_not_exist_yet_is_read_when_it_appears(home, follow, write):
    async with follow("not/yet/a.yaml") as seen:
        assert seen.told("not/yet/a.yaml").startswith("not/yet/a.yaml: does not exist")
        (home / "not").mkdir()
        (home / "not/yet").mkdir()
        (home / "not/yet/a.yaml").write_text(write("a"))
        await seen.until(lambda: seen.names() == {"a"} and seen.reports["not/yet/a.yaml"] == ())


@pytest.mark.parametrize("path", ["conf", "conf/x.yaml"])
async def test_a_config_map_as_kubernetes_mounts_it_changes_at_once(home, follow, write, path):
    """All files are links into `..data`, a link to a directory that is exchanged as a whole."""

    def publish(version: str) -> None:
        (home / "conf" / version).mkdir()
        for name in ("x", "y"):
            (home / "conf" / version / f"{name}.yaml").write_text(write(name, version))
        (home / "conf/..data_tmp").symlink_to(version)
        (home / "conf/..data_tmp").rename(home / "conf/..data")

    (home / "conf").mkdir()
    publish("..1")
    for name in ("x", "y"):
        (home / "conf" / f"{name}.yaml").symlink_to(f"..data/{name}.yaml")
    async with follow(path) as seen:
        assert seen.names() == ({"x", "y"} if path == "conf" else {"x"})
        for version in ("..2", "..3"):
            publish(version)
            await seen.until(lambda version=version: {seen.says(name) for name in seen.names()} == {version})
        assert seen.deleted() == set()


async def test_a_link_to_a_directory_can_be_exchanged(home, follow, write):
    for version in ("1", "2"):
        (home / version).mkdir()
        (home / version / "a.yaml").write_text(write("a", version))
    (home / "current").symlink_to("1")
    async with follow("current") as seen:
        (home / "next").symlink_to("2")
        (home / "next").rename(home / "current")
        await seen.until(lambda: seen.says("a") == "2")
        (home / "2/a.yaml").write_text(write("a", "3"))
        await seen.until(lambda: seen.says("a") == "3")


async def test_the_target_of_a_link_can_be_edited_where_it_is(home, follow, write):
    (home / "conf").mkdir()
    (home / "away").mkdir()
    (home / "away/real.yaml").write_text(write("a"))
    (home / "conf/a.yaml").symlink_to("../away/real.yaml")
    async with follow("conf") as seen:
        for save, spec in ((in_place, "2"), (replace, "3")):
            save(home / "away/real.yaml", write("a", spec))
            await seen.until(lambda spec=spec: seen.says("a") == spec)


@pytest.mark.usefixtures("permissions")
async def test_a_file_that_loses_its_permission_keeps_its_objects(home, follow, write):
    (home / "a.yaml").write_text(write("a"))
    async with follow("a.yaml") as seen:
        (home / "a.yaml").chmod(0)
        await seen.until(lambda: "cannot be read: permission denied" in seen.told("a.yaml"))
        assert seen.names() == {"a"}
        (home / "a.yaml").chmod(0o600)
        await seen.until(lambda: seen.reports["a.yaml"] == ())


async def test_where_nothing_can_be_watched_a_warning_says_so_and_the_review_finds_changes(home, follow, write, monkeypatch):
    def refuse(*_):
        raise OSError(28, "OS file watch limit reached")

    monkeypatch.setattr(watcher, "RustNotify", refuse)
    monkeypatch.setattr(provider, "REVIEW_SECONDS", 0.02)
    (home / "a.yaml").write_text(write("a"))
    async with follow("a.yaml") as seen:
        assert "OS file watch limit reached\n    raise the limits fs.inotify" in seen.told("providers.file")
        (home / "a.yaml").write_text(write("a", "2"))
        await seen.until(lambda: seen.says("a") == "2")


async def test_a_change_that_nobody_tells_of_is_found_by_the_review(home, follow, write, monkeypatch):
    """As on a network file system."""

    class Deaf:
        def __init__(self, *_):
            pass

        def watch(self, _debounce, _step, timeout_ms, closed):
            closed.wait(timeout_ms / 1000)
            return "timeout"

    monkeypatch.setattr(watcher, "RustNotify", Deaf)
    monkeypatch.setattr(provider, "REVIEW_SECONDS", 0.02)
    (home / "a.yaml").write_text(write("a"))
    async with follow("a.yaml") as seen:
        assert "providers.file" not in seen.reports
        (home / "a.yaml").write_text(write("a", "2"))
        await seen.until(lambda: seen.says("a") == "2")


async def test_a_change_that_nobody_tells_of_is_found_although_others_are_told_of_all_the_time(
    home, follow, write, monkeypatch
):
    monkeypatch.setattr(provider, "REVIEW_SECONDS", 0.1)
    monkeypatch.setattr("providers.file.reader.FRESH_NS", 0)
    (home / "untold").mkdir()
    for file in ("told.yaml", "untold/a.yaml"):
        (home / file).write_text(write(Path(file).stem))
    monkeypatch.setattr(Watcher, "cover", partialmethod(cover_but, home / "untold", Watcher.cover))
    async with follow(".") as seen, anyio.create_task_group() as tasks:
        tasks.start_soon(keep_writing, home / "told.yaml", write)
        (home / "untold/a.yaml").write_text(write("a", "2"))
        await seen.until(lambda: seen.says("a") == "2")
        tasks.cancel_scope.cancel()


def cover_but(watcher, directory, cover, directories):
    return cover(watcher, directories - {str(directory)})


async def keep_writing(file, write) -> None:
    """Changes it more often than everything is looked at, and never leaves it empty for a moment."""
    for number in count():
        await anyio.Path(file.with_name(".new")).write_text(write("told", str(number)))
        await anyio.Path(file.with_name(".new")).replace(file)
        await anyio.sleep(0.005)


async def test_two_watches_of_one_provider_do_not_know_each_other(home, kinds, write):
    (home / "a.yaml").write_text(write("a"))
    one = FileProvider(Settings(("a.yaml",)))
    for _ in range(2):
        events = []
        async for event in one.watch(kinds):
            events.append(event)
            if isinstance(event, Listed):
                break
        assert len(events) == 2


async def test_it_ends_at_once_when_cancelled(home, follow, write):
    (home / "a.yaml").write_text(write("a"))
    with anyio.fail_after(30):  # the watcher would wait for the review
        async with follow("a.yaml"):
            pass
