"""The tree: what the paths stand for, and what must be watched."""

from __future__ import annotations

import os
import shutil
from contextlib import chdir, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.file.tree import trail, walk


def make(home, *paths: str) -> None:
    for path in paths:
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).touch()


def test_paths_are_shown_as_they_were_typed(home):
    make(home, "conf/a.yaml", "conf/sub/b.json", "c.txt")
    assert list(walk(["./conf", "c.txt", str(home / "conf/a.yaml")]).files) == [
        "./conf/a.yaml",
        "./conf/sub/b.json",
        "c.txt",
    ]


def test_directories_are_read_to_the_bottom_and_in_order(home):
    make(home, "conf/z.yml", "conf/a/b/c.YAML", "conf/m.json", "conf/d.yaml/e.yaml")
    assert list(walk(["conf"]).files) == ["conf/a/b/c.YAML", "conf/d.yaml/e.yaml", "conf/m.json", "conf/z.yml"]


@pytest.mark.parametrize(
    "name",
    [".a.yaml", ".a.yaml.swp", "a.yaml~", "#a.yaml#", ".#a.yaml", "4913", "a.txt", "README", ".git/a.yaml", "a.yaml.bak"],
)
def test_what_is_hidden_or_left_by_editors_is_no_configuration(home, name):
    make(home, f"conf/{name}")
    assert walk(["conf"]).files == {}


def test_a_file_named_by_itself_is_read_whatever_its_name(home):
    make(home, ".hidden")
    assert list(walk([".hidden"]).files) == [".hidden"]


def test_a_file_reached_on_two_ways_is_taken_once(home):
    make(home, "conf/a.yaml")
    (home / "conf/b.yaml").symlink_to("a.yaml")
    (home / "other").symlink_to("conf")
    tree = walk(["conf", "other", "conf/a.yaml", "./conf"])
    assert list(tree.files) == ["conf/a.yaml"]
    assert dict(tree.roots) == {"conf": ("conf/a.yaml",)}


def test_a_directory_linked_into_itself_ends(home):
    make(home, "conf/a.yaml")
    (home / "conf/self").symlink_to(".")
    (home / "conf/up").symlink_to("..")
    assert list(walk(["conf"]).files) == ["conf/a.yaml"]


def test_links_that_lead_nowhere_are_errors(home):
    make(home, "conf/a.yaml")
    (home / "conf/b.yaml").symlink_to("b.yaml")
    (home / "conf/c.yaml").symlink_to("missing")
    assert walk(["conf", "nope"]).errors.keys() == {"conf/b.yaml", "conf/c.yaml", "nope"}


def test_the_trail_is_every_step_link_and_target(home):
    """A ConfigMap as Kubernetes mounts it: the file is a link into a link to a directory."""
    make(home, "conf/..2024/x.yaml")
    (home / "conf/..data").symlink_to("..2024")
    (home / "conf/x.yaml").symlink_to("..data/x.yaml")
    steps = [step for step in trail("conf/x.yaml") if step.startswith(f"{home}/")]
    assert [os.path.relpath(step, home) for step in steps] == [
        "conf", "conf/x.yaml", "conf/..data", "conf/..2024", "conf/..2024/x.yaml",
    ]  # fmt: skip


def test_the_trail_goes_on_where_nothing_exists_and_ends_in_a_loop(home):
    assert list(trail("no/such/../file"))[-3:] == [f"{home}/no", f"{home}/no/such", f"{home}/no/file"]
    (home / "loop").symlink_to(home / "loop")
    assert set(trail("loop")) == set(trail(str(home))) | {f"{home}/loop"}


def test_a_missing_path_is_awaited_in_its_nearest_parent(home):
    tree = walk(["no/such/file"])
    assert str(home) in tree.watched
    assert tree.concerns(f"{home}/no")
    assert not tree.concerns(f"{home}/other")


def test_only_what_can_matter_concerns(home):
    make(home, "conf/a.yaml", "conf/sub/b.yaml", "lone.yaml")
    tree = walk(["conf", "lone.yaml"])
    concerned = ["conf", "conf/a.yaml", "conf/new.yaml", "conf/sub", "conf/sub/c.yaml", "lone.yaml"]
    assert all(tree.concerns(f"{home}/{path}") for path in concerned)
    assert not any(tree.concerns(f"{home}/{path}") for path in ["conf/.a.yaml.swp", "other.yaml", "conf/no/such"])


def write_in(home, path: str) -> None:
    (home / path).write_text("other")


def remove(home, path: str) -> None:
    (home / path).unlink()


def put_over(home, path: str) -> None:
    (home / "new").write_text("new")
    (home / "new").rename(home / path)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (write_in, "conf/a.yaml"),
        (write_in, "conf/sub/b.json"),
        (write_in, "conf/c.yaml"),
        (write_in, "conf/c.txt"),
        (write_in, "conf/.c.yaml"),
        (put_over, "conf/a.yaml"),
        (put_over, "conf/c.yaml"),
        (remove, "conf/a.yaml"),
    ],
)
def test_the_change_of_a_file_is_seen_without_a_walk(home, change, path):
    make(home, "conf/a.yaml", "conf/sub/b.json")
    before = walk(["./conf"])
    change(home, path)
    after = before.after({f"{home}/{path}"})
    assert after is not None
    assert after.files == walk(["./conf"]).files
    assert after.files.keys() <= set(after.roots["./conf"])


def test_what_did_not_change_is_not_looked_at_again(home):
    make(home, "conf/a.yaml", "conf/b.yaml")
    before = walk(["conf"])
    after = before.after({f"{home}/conf/b.yaml"})
    assert after is not None
    assert after.files["conf/a.yaml"] is before.files["conf/a.yaml"]
    assert after.files["conf/b.yaml"] is not before.files["conf/b.yaml"]


def link(home, path: str) -> None:
    (home / path).symlink_to("a.yaml")


def name_twice(home, path: str) -> None:
    (home / path).hardlink_to(home / "conf/a.yaml")


def make_directory(home, path: str) -> None:
    (home / path).mkdir()


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (link, "conf/c.yaml"),
        (name_twice, "conf/c.yaml"),
        (make_directory, "conf/c"),
        (remove, "conf/one.yaml"),
        (write_in, "conf/linked.yaml"),
        (write_in, "lone.yaml"),
        (write_in, "conf/nowhere.yaml"),
    ],
)
def test_a_walk_is_needed_where_more_may_have_changed_than_a_file(home, change, path):
    make(home, "conf/a.yaml", "conf/one.yaml", "lone.yaml")
    (home / "conf/twice.yaml").hardlink_to(home / "conf/one.yaml")
    (home / "conf/linked.yaml").symlink_to("a.yaml")
    (home / "conf/nowhere.yaml").symlink_to("missing.yaml")
    before = walk(["conf", "lone.yaml"])
    change(home, path)
    assert before.after({f"{home}/{path}"}) is None


def test_a_walk_is_needed_after_a_flood_of_changes(home, monkeypatch):
    make(home, "conf/a.yaml", "conf/b.yaml")
    monkeypatch.setattr("providers.file.tree.MANY", 1)
    tree = walk(["conf"])
    assert tree.after({f"{home}/conf/a.yaml", f"{home}/conf/b.yaml", f"{home}/conf/.swp"}) is None
    assert tree.after({f"{home}/conf/a.yaml", f"{home}/conf/.swp"}) == tree


PLACES = ("conf/a.yaml", "conf/b.yaml", "conf/c.txt", "conf/sub", "conf/sub/e.json", "lone.yaml")
OPERATIONS = ("write", "remove", "rename", "link", "symlink", "make", "copy over")


def operate(home, operation: str, one: str, other: str) -> None:
    """Does it, if it can be done."""
    source, target = home / one, home / other
    with suppress(OSError, shutil.SameFileError):
        match operation:
            case "write":
                source.write_text(source.read_text() + "more" if source.exists() else "new")
            case "remove":
                source.rmdir() if source.is_dir() and not source.is_symlink() else source.unlink()
            case "rename":
                source.rename(target)
            case "link":
                target.hardlink_to(source)
            case "symlink":
                target.symlink_to(source)
            case "make":
                source.mkdir()
            case "copy over":
                shutil.copyfile(source, target)


def told(home, *paths: str) -> set[str]:
    """What the system may tell of when something is done to these paths: to them, and where they lead."""
    return {f"{home}/{path}" for path in paths} | {os.path.realpath(home / path) for path in paths}


def seen(tree) -> dict[str, tuple[int, ...]]:
    return {file: (one.st_ino, one.st_size, one.st_mtime_ns) for file, one in tree.files.items()}


@given(st.lists(st.tuples(st.sampled_from(OPERATIONS), st.sampled_from(PLACES), st.sampled_from(PLACES)), max_size=12))
def test_after_any_change_the_tree_is_a_walks(operations):
    """Whatever is done to the files, one after the other or several at once."""
    with TemporaryDirectory() as folder, chdir(folder):
        home = Path(folder).resolve()
        make(home, "conf/a.yaml", "lone.yaml")
        tree, changed = walk(["conf", "lone.yaml"]), set()
        for operation, one, other in operations:
            changed |= told(home, one, other)
            operate(home, operation, one, other)
            changed |= told(home, one, other)
            if operation != "write":  # else it comes with what is done next
                tree, changed = tree.after(changed) or walk(["conf", "lone.yaml"]), set()
                assert seen(tree) == seen(walk(["conf", "lone.yaml"]))
