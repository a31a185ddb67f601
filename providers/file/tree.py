"""The tree: which files the paths stand for at one moment, and what must be watched to learn that this changes."""

# Paths stay as they were typed, and pathlib would tidy them:
# ruff: noqa: PTH112, PTH115, PTH116, PTH117, PTH118, PTH120, PTH109

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from providers.file.format import FORMATS, suffix

MOST_LINKS = 40
"""How many symbolic links Linux follows in one path before it gives up."""
MANY = 1000
"""More changes at once than this are not looked at one by one: a walk costs less, and misses none that was not told."""


@dataclass(frozen=True, slots=True)
class Tree:
    """What was found on one walk.

    `files` are those to read, `errors` the paths that could not be followed, both by path as a person would type it.
    `roots` are the paths as given, with the files first found under each. `directories` are those walked, each with the
    path a person would type and its root, and `trail` the single paths that decide what the given ones lead to, both
    without symbolic links.
    """

    files: Mapping[str, os.stat_result]
    errors: Mapping[str, OSError]
    roots: Mapping[str, tuple[str, ...]]
    directories: Mapping[str, tuple[str, str]]
    trail: frozenset[str]
    watched: frozenset[str]

    def concerns(self, path: str) -> bool:
        """Whether a change at this path, given without symbolic links, can change what the tree says."""
        directory, name = os.path.split(path)
        return path in self.trail or (directory in self.directories and not name.startswith("."))

    def after(self, changed: Iterable[str]) -> Tree | None:
        """This tree with what is at these paths now, given without symbolic links; every other file is as it was.

        None where that does not tell all: for links, files with several names, directories, whatever could not be read, and
        for so many paths that the system may have told of some and dropped the others.
        """
        paths = list(filter(self.concerns, changed))
        found = [(path, _look_at(path)) for path in paths[: MANY + 1]]
        if len(paths) > MANY or not all(self._is_plain(*one) for one in found):
            return None
        files, roots = dict(self.files), dict(self.roots)
        for path, now in found:
            directory, name = os.path.split(path)
            typed, root = self.directories[directory]
            file = os.path.join(typed, name)
            if now is None:
                files.pop(file, None)
            elif suffix(name) in FORMATS:
                if file not in files:
                    roots[root] = (*roots[root], file)
                files[file] = now
        return replace(self, files=files, roots=roots)

    def _is_plain(self, path: str, now: os.stat_result | None) -> bool:
        """Whether a change there is that of one file, under one name."""
        directory, name = os.path.split(path)
        if path in self.trail or path in self.watched or directory not in self.directories:
            return False
        file = os.path.join(self.directories[directory][0], name)
        return file not in self.errors and all(map(_has_one_name, filter(None, (self.files.get(file), now))))

    def hides(self, file: str) -> bool:
        """Whether a file lies in a directory that exists and could not be listed."""
        return any(file.startswith(os.path.join(path, "")) for path, error in self.errors.items() if not is_missing(error))


def walk(paths: Iterable[str]) -> Tree:
    """Follows every path: a file is read whatever its name, a directory with all that is below it.

    In directories only `.yaml`, `.yml` and `.json` files count, and nothing whose name starts with a dot: that leaves
    out what editors drop, and the folders behind the links of a ConfigMap mounted by Kubernetes. A file or directory
    reached on two ways is taken once.
    """
    survey = _Survey()
    for path in paths:
        survey.follow_root(path)
    return survey.tree()


def _look_at(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError:
        return None


def _has_one_name(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1


def is_missing(error: OSError) -> bool:
    """Whether the error says that there is nothing, rather than that it cannot be read."""
    return isinstance(error, (FileNotFoundError, NotADirectoryError))


class _Survey:
    """A walk in the making."""

    def __init__(self) -> None:
        self.files: dict[str, os.stat_result] = {}
        self.errors: dict[str, OSError] = {}
        self.roots: dict[str, tuple[str, ...]] = {}
        self.directories: dict[str, tuple[str, str]] = {}
        self.trail: set[str] = set()
        self._root = ""
        self._taken: set[tuple[int, int]] = set()

    def tree(self) -> Tree:
        parents = {os.path.dirname(path) for path in self.trail}
        watched = frozenset(self.directories).union(filter(os.path.isdir, parents))
        return Tree(self.files, self.errors, self.roots, self.directories, frozenset(self.trail), watched)

    def follow_root(self, path: str) -> None:
        self.trail.update(trail(path))
        before, self._root = len(self.files), path
        if self._follow(path):
            self.roots[path] = tuple(list(self.files)[before:])

    def _follow(self, path: str) -> bool:
        """Takes what is at a path. False when it is not there, cannot be read, or was taken before."""
        try:
            found = os.stat(path)
            inode = found.st_dev, found.st_ino
            if inode in self._taken:
                return False
            self._taken.add(inode)
            if stat.S_ISDIR(found.st_mode):
                self._list(path)
            else:
                self.files[path] = found
        except OSError as error:
            self.errors[path] = error
            return False
        return True

    def _list(self, path: str) -> None:
        self.directories[os.path.realpath(path)] = path, self._root
        with os.scandir(path) as entries:
            named = sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)
        for entry in named:
            if entry.is_symlink():
                self.trail.update(trail(entry.path))
            if suffix(entry.name) in FORMATS or os.path.isdir(entry.path):
                self._follow(entry.path)


def trail(path: str) -> Iterator[str]:
    """Every path whose change can change where `path` leads: its parents, and the links and targets on the way.

    The paths are absolute and free of links up to their last step. What does not exist is followed as if it did.
    """
    here, links = "/", 0
    rest = _steps(os.path.join(os.getcwd(), path))
    while rest:
        step = rest.pop()
        if step == "..":
            here = os.path.dirname(here)
            continue
        path = os.path.join(here, step)
        yield path
        try:
            target = os.readlink(path)
        except OSError:
            here = path
            continue
        links += 1
        if links > MOST_LINKS:
            return
        here = "/" if os.path.isabs(target) else here
        rest += _steps(target)


def _steps(path: str) -> list[str]:
    """The steps of a path, last one first."""
    return [step for step in reversed(path.split("/")) if step not in ("", ".")]
