"""The file provider: files in, events out, for as long as it is asked."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Collection, Mapping
from functools import partial
from typing import ClassVar, Final

from anyio.to_thread import run_sync

from providers.file.catalogue import Catalogue
from providers.file.contents import Contents, Fault
from providers.file.reader import Reader
from providers.file.settings import Settings as FileSettings
from providers.file.tree import Tree, walk
from providers.file.watcher import Watcher
from xds.model import Diagnostic, Event, Kind, Severity

REVIEW_SECONDS: Final = 5.0
"""How long until everything is looked at although no change was told: network file systems tell of none."""


class FileProvider:
    """Yields the objects of YAML and JSON files, and every change of them within milliseconds.

    A directory stands for all `.yaml`, `.yml` and `.json` files below it. A path that does not exist yet is awaited.
    A document that is wrong is reported and stops nothing else; what `Catalogue` promises of objects holds here.
    """

    Settings: ClassVar = FileSettings

    def __init__(self, settings: FileSettings) -> None:
        self._settings = settings

    async def watch(self, kinds: Collection[Kind]) -> AsyncIterator[Event]:
        """The events of the files, until cancelled. Reading and parsing happens in a thread, never in the event loop."""
        reader, catalogue, watcher = Reader(kinds, self._settings.max_file_bytes), Catalogue(), Watcher()
        look = partial(self._look, reader, watcher)
        tree, changed, review = walk(()), frozenset[str](), 0.0
        try:
            while True:
                tree, picture = await run_sync(look, tree, changed, abandon_on_cancel=True)
                now = time.monotonic()
                for event in catalogue.update(picture, now):
                    yield event
                review = review if changed else now + REVIEW_SECONDS
                changed = await watcher.wait(tree.concerns, catalogue.due or review)
                changed = changed if time.monotonic() < review else frozenset()
        finally:
            watcher.close()

    def _look(
        self, reader: Reader, watcher: Watcher, tree: Tree, changed: frozenset[str]
    ) -> tuple[Tree, Mapping[str, Contents]]:
        """What is there now that these paths changed in a tree; without any, everything is looked at. Whatever changes from
        here on is told by the watcher.
        """
        tree = (tree.after(changed) if changed else None) or walk(self._settings.paths)
        while watcher.cover(tree.watched):
            tree = walk(self._settings.paths)
        picture = reader.read(tree)
        return tree, {**picture, "providers.file": _unwatched(watcher.problem)} if watcher.problem else picture


def _unwatched(problem: str) -> Contents:
    what = f"changes of files are noticed only every {REVIEW_SECONDS:.0f} seconds: {problem}"
    hint = "raise the limits fs.inotify.max_user_watches and fs.inotify.max_user_instances with sysctl, then start again"
    return Contents(faults=(Fault(Diagnostic(what, hint=hint, severity=Severity.WARNING), frozenset()),))
