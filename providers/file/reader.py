"""The reader: what every place of a tree says, where only what is new is opened."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from providers.file.contents import NOTHING, Contents, Fault
from providers.file.parser import Documents, Parser, failed
from providers.file.tree import Tree, is_missing
from providers.file.vocabulary import Vocabulary
from xds.model import ConfigError, Diagnostic, Kind, Origin, Severity

FRESH_NS: Final = 50_000_000
"""A file changed this short before it was read may change again without a new time stamp: kernels count in ticks."""

UNITS: Final = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB"), (1, "bytes"))

WHOLE: Final = 0
"""The line of what concerns a file as a whole."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A file as it was last read, and how it was found then. Without that it is to be read again."""

    contents: Contents
    documents: Documents = field(default_factory=dict)
    found: os.stat_result | None = None


_UNREAD: Final = _Read(NOTHING)


class Reader:
    """Reads trees, and remembers: a file that is found as before is not opened, a document with the same text not parsed."""

    def __init__(self, kinds: Collection[Kind], max_file_bytes: int) -> None:
        self._parser = Parser(Vocabulary(kinds))
        self._limit = max_file_bytes
        self._known: dict[str, _Read] = {}

    def read(self, tree: Tree) -> Mapping[str, Contents]:
        """The contents of every place: of every file, and of every path about which there is something to say.

        A file in a directory that cannot be listed now says what it said before.
        """
        hidden = {file: read for file, read in self._known.items() if tree.hides(file)} if tree.errors else {}
        self._known = hidden | {file: self._file(file, found) for file, found in tree.files.items()}
        picture = {file: read.contents for file, read in self._known.items()}
        picture |= {path: _unreadable(path, error) for path, error in tree.errors.items()}
        silent = [root for root, files in tree.roots.items() if all(picture.get(one, NOTHING) == NOTHING for one in files)]
        return picture | {root: _nothing_in(root) for root in silent}

    def _file(self, file: str, found: os.stat_result) -> _Read:
        known = self._known.get(file, _UNREAD)
        if known.found is found:
            return known
        if known.found is not None and _stamp(known.found) == _stamp(found):
            return _Read(known.contents, known.documents, found)
        is_fresh = time.time_ns() - max(found.st_mtime_ns, found.st_ctime_ns) < FRESH_NS
        try:
            contents, documents = self._parser.parse(self._text(file, found), file, known.documents)
        except ConfigError as error:
            return _Read(failed(error), known.documents)
        except OSError as error:
            return _Read(_unreadable(file, error), known.documents)
        return _Read(contents, documents, None if is_fresh else found)

    def _text(self, file: str, found: os.stat_result) -> str:
        """The text of a file. Raises ConfigError when it is no text, or none of ours to read; and OSError."""
        origin = Origin(file, WHOLE)
        if not stat.S_ISREG(found.st_mode):
            raise ConfigError("is neither a file nor a directory", origin=origin, hint="a pipe's text must be saved first")
        if found.st_size > self._limit:
            what = f"is {_size(found.st_size)}, the limit is {_size(self._limit)}"
            raise ConfigError(
                what, origin=origin, hint="divide it, or raise providers.file.max_file_bytes in the settings file"
            )
        content = Path(file).read_bytes()
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = 1 + content.count(b"\n", 0, error.start)
            what = f"is not UTF-8 text: byte 0x{content[error.start]:02x}"
            raise ConfigError(what, origin=Origin(file, line), hint="save it as UTF-8") from None


def _stamp(found: os.stat_result) -> tuple[int, int, int, int, int]:
    """What tells without reading that a file is the same: device, inode, size, when its content and when all changed."""
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _unreadable(path: str, error: OSError) -> Contents:
    """What there is to say about a path that cannot be followed. What is missing holds no object in force."""
    if not is_missing(error):
        return failed(
            ConfigError(f"cannot be read: {os.strerror(error.errno or errno.EIO).lower()}", origin=Origin(path, WHOLE))
        )
    what = "is a link to nothing" if Path(path).is_symlink() else "does not exist"
    diagnostic = Diagnostic(what, origin=Origin(path, WHOLE), hint="it is read as soon as it appears")
    return Contents(faults=(Fault(diagnostic, holds=frozenset()),))


def _nothing_in(root: str) -> Contents:
    what = "has no document, so nothing here is served"
    hint = "a directory's .yaml, .yml and .json files are read, and those of the directories in it"
    return Contents(
        faults=(Fault(Diagnostic(what, origin=Origin(root, WHOLE), hint=hint, severity=Severity.WARNING), frozenset()),)
    )


def _size(count: int) -> str:
    """A number of bytes as people say it: 16 MB."""
    unit, name = next(unit for unit in UNITS if count >= unit[0] or unit[0] == 1)
    return f"{count / unit:.3g} {name}"
