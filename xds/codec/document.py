"""Documents: YAML and JSON text as plain data, one at a time, each mistake with its line.

The dialect is YAML 1.2's core schema, so `on`, `yes` and dates stay the strings that people meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from xds.model import ConfigError, Origin

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML built without libyaml: slower, otherwise the same
    from yaml import SafeLoader  # type: ignore[assignment]

SEPARATOR: Final = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_BLANK: Final = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\r?(?:\n|\Z))*")

DEEPEST: Final = 500
"""How deep a document may be nested."""

HEAVIEST: Final = 1_000_000
"""How many values a document may come to when its aliases are written out: a few lines can come to billions."""

_STEP: Final = re.compile(r"""\[(?P<index>\d+)\]|\["?(?P<quoted>[^\]"]+)"?\]|(?P<name>[^.\[\]]+)""")


@dataclass(frozen=True, slots=True)
class Text:
    """One document as it stands in a file: its text and the line it starts at, counted from 1."""

    text: str
    line: int

    def trimmed(self) -> Text:
        """The same document from its first line that says something, which is where people look for it."""
        blank = _BLANK.match(self.text)
        start = blank.end() if blank else 0
        return Text(self.text[start:], self.line + self.text.count("\n", 0, start))


def split(text: str) -> Iterator[Text]:
    """The documents of a YAML stream, unparsed; blank and comment-only ones are left out.

    A `---` at the start of a line is a separator whatever surrounds it, so one broken document cannot swallow another.
    """
    start, line = 0, 1
    for found in SEPARATOR.finditer(text):
        chunk = text[start : found.start()]
        yield from _unless_blank(Text(chunk, line))
        line += chunk.count("\n")
        start = found.end()
    yield from _unless_blank(Text(text[start:], line))


def _unless_blank(one: Text) -> Iterator[Text]:
    if not _BLANK.fullmatch(one.text):
        yield one


class _Loader(SafeLoader):
    """YAML 1.2's core schema, and a key said twice is a mistake."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        self.flatten_mapping(node)
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is no string", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+0123456789."),
    ("merge", r"<<", "<"),
):  # fmt: skip
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first))


def _integer(_loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    text: str = node.value
    return int(text, 0) if text[:2] in ("0x", "0o") else int(text)


_Loader.add_constructor("tag:yaml.org,2002:int", _integer)


def parse(one: Text, file: str) -> Any:
    """The data of one document. Raises ConfigError with file and line when the text is no YAML (JSON is YAML), is nested
    deeper than DEEPEST, or has aliases that repeat more than HEAVIEST values.
    """
    try:
        if not _is_shallow(one.text):
            raise ConfigError(f"is nested more than {DEEPEST} deep", origin=Origin(file, one.line))
        data = yaml.load(one.text, Loader=_Loader)  # noqa: S506  a SafeLoader
        if "*" in one.text and _weight(data, {}) > HEAVIEST:
            raise ConfigError(f"repeats more than {HEAVIEST} values by its aliases", origin=Origin(file, one.line))
        return data
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = one.line + (mark.line if mark else 0)
        what = error.problem or error.context or "cannot be read"
        raise ConfigError(f"is not valid YAML: {what}", origin=Origin(file, line)) from None
    except yaml.reader.ReaderError as error:
        line = one.line + one.text.count("\n", 0, error.position)
        raise ConfigError(f"is not valid YAML: {error.reason}", origin=Origin(file, line)) from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"cannot be read: {error}", origin=Origin(file, one.line)) from None


def _is_shallow(text: str) -> bool:
    """Whether a text is nested at most DEEPEST deep: libyaml's binding recurses in C and takes the process down."""
    # A level needs a bracket, or a column further right (of which a mapping and a list in it may share one).
    most = text.count("[") + text.count("{") + 2 * max(map(len, text.splitlines()), default=0)
    if most <= DEEPEST:
        return True
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            return False
    return True


def _weight(data: Any, known: dict[int, int]) -> int:
    """How many values there are, each counted as often as it is repeated."""
    if not isinstance(data, dict | list):
        return 1
    if id(data) not in known:
        known[id(data)] = 0
        values = data.values() if isinstance(data, dict) else data
        known[id(data)] = 1 + sum(_weight(value, known) for value in values)
    return known[id(data)]


def steps(path: str) -> Iterator[str | int]:
    """The steps of a field path: `spec.listeners[0].port` -> spec, listeners, 0, port."""
    for step in _STEP.finditer(path):
        if step["index"] is not None:
            yield int(step["index"])
        else:
            yield step["quoted"] or step["name"]


def locate(origin: Origin, path: str) -> Origin:
    """The origin of a field: the file and the line where `path` stands, or its nearest parent that does."""
    if not origin.text or not path:
        return origin
    try:
        node = yaml.compose(origin.text, Loader=_Loader)
    except yaml.YAMLError:
        return origin
    line = 0
    for step in steps(path):
        found = _child(node, step)
        if found is None:
            break
        line, node = found
    return Origin(origin.file, origin.line + line)


def items(one: Text, path: str) -> Iterator[Text]:
    """The items of the list at `path` (empty: of the document itself), each indented so as to be a document of its own.

    The document must be one that `parse` reads and that has a list there.
    """
    node = yaml.compose(one.text, Loader=_Loader)
    for step in steps(path):
        _, node = _child(node, step) or (0, None)
    for item in node.value if node else ():
        start, end = item.start_mark, item.end_mark
        yield Text(" " * start.column + one.text[start.index : end.index], one.line + start.line)


def _child(node: Any, step: str | int) -> tuple[int, Any] | None:
    """(line, node) of one step down; None where there is none."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark.line, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line, node.value[step]
    return None
