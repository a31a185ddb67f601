"""Formats: how the text of a file is divided into documents, and a document into the objects it lists."""

from __future__ import annotations

import json
import os.path
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from xds.codec import document
from xds.codec.document import Text
from xds.model import ConfigError, Origin

Item = tuple[Text, Any]
"""One object of a document: where it stands, and its data."""

LIST: Final = "List"
"""The kind of a document whose `items` are objects, as `kubectl get -o yaml` prints it."""


@dataclass(frozen=True, slots=True)
class Format:
    """How one format is read. Both functions take the file's name for their errors and raise ConfigError with the line.

    `divide` gives the documents of a text, each of which may be broken without harm to the others; `items` gives what
    one document lists.
    """

    divide: Callable[[str, str], Iterable[Text]]
    items: Callable[[Text, str], Iterable[Item]]
    ends_with_newline: bool


def format_of(file: str) -> Format:
    """The format by the ending of a file's name; YAML where it says nothing."""
    return FORMATS.get(suffix(file), YAML)


def suffix(file: str) -> str:
    """The ending of a file's name in lower case, with its dot."""
    return os.path.splitext(file)[1].lower()  # noqa: PTH122  a walk asks it of every file, and pathlib takes ten times as long


def _divide_yaml(text: str, _file: str) -> Iterator[Text]:
    return (one.trimmed() for one in document.split(text))


def _yaml_items(one: Text, file: str) -> Iterable[Item]:
    data = document.parse(one, file)
    if data is None:
        return ()
    listed = _listed(data, one, file)
    if listed is None:
        return ((one, data),)
    return zip(document.items(one, "" if data is listed else "items"), listed, strict=True)


def _listed(data: Any, one: Text, file: str) -> list[Any] | None:
    """The items of a document that is a list; None for a single object."""
    if isinstance(data, list):
        return data
    if not isinstance(data, dict) or data.get("kind") != LIST:
        return None
    items = data.get("items")
    if not isinstance(items, list):
        where = document.locate(Origin(file, one.line, one.text), "items")
        raise ConfigError("must be a list of objects", field="items", origin=where)
    return items


def _divide_json(text: str, file: str) -> Iterator[Text]:
    if not text.strip():
        return
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"is not valid JSON: {error.msg}", origin=Origin(file, error.lineno)) from None
    except RecursionError:
        raise ConfigError("is not valid JSON: it is nested too deeply", origin=Origin(file)) from None
    start = _next(text, 0)
    whole = Text(text[start:], 1 + text.count("\n", 0, start))
    if _listed(data, whole, file) is None:
        yield whole
        return
    line, after = 1, 0
    for begin, end in _json_spans(text, start):
        line, after = line + text.count("\n", after, begin), begin
        yield Text(text[begin:end], line)


def _json_spans(text: str, at: int) -> Iterator[tuple[int, int]]:
    """(start, end) of every item of the list, or of the list under `items`, that starts at `at` in valid JSON."""
    if text[at] == "{":
        members = list(_values(text, at))
        starts = {json.loads(text[slice(*name)]): value[0] for name, value in zip(members[::2], members[1::2], strict=True)}
        at = starts["items"]
    yield from _values(text, at)


def _values(text: str, at: int) -> Iterator[tuple[int, int]]:
    """(start, end) of every value of the list, and of every name and value of the object, that starts at `at`."""
    at = _next(text, at + 1)
    while text[at] not in "]}":
        _, end = _DECODER.raw_decode(text, at)
        yield at, end
        at = _next(text, end)
        if text[at] in ",:":
            at = _next(text, at + 1)


def _next(text: str, at: int) -> int:
    """Where the next sign stands that is no white space."""
    found = _SIGN.search(text, at)
    return found.start() if found else len(text)


def _json_items(one: Text, file: str) -> Iterable[Item]:
    try:
        return ((one, json.loads(one.text, object_pairs_hook=_mapping)),)
    except ValueError as error:
        raise ConfigError(f"is not valid JSON: {error}", origin=Origin(file, one.line)) from None


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} is given twice")
    return found


_DECODER: Final = json.JSONDecoder()
_SIGN: Final = re.compile(r"[^ \t\r\n]")

YAML: Final = Format(_divide_yaml, _yaml_items, ends_with_newline=True)
JSON: Final = Format(_divide_json, _json_items, ends_with_newline=False)

FORMATS: Final = {".yaml": YAML, ".yml": YAML, ".json": JSON}
"""The files of a directory that are read, by the ending of their name."""
