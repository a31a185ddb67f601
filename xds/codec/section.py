"""Sections: parts of the settings file as frozen Structs, every mistake said with its path, in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Final, TypeVar

import msgspec
from msgspec import inspect

from xds.codec.document import steps
from xds.model import ConfigError

T = TypeVar("T", bound=msgspec.Struct)

_AT: Final = re.compile(r" - at `\$(?P<path>.*)`$")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(?P<name>.*)`")
_MISSING: Final = re.compile(r"Object missing required field `(?P<name>.*)`")
_CHOICE: Final = re.compile(r"Invalid enum value (?P<value>.*)")

_WORDS: Final = (
    (re.compile(r"Expected `[^`]*` <= (.*?)(\.0)?$"), r"must be at most \1"),
    (re.compile(r"Expected `[^`]*` >= (.*?)(\.0)?$"), r"must be at least \1"),
    (re.compile(r"Expected `[^`]*` < (.*?)(\.0)?$"), r"must be less than \1"),
    (re.compile(r"Expected `[^`]*` > (.*?)(\.0)?$"), r"must be more than \1"),
    (re.compile(r"Expected `[^`]*` of length >= 1$"), "must not be empty"),
)
"""msgspec's sentences -> ours."""

_TYPES: Final = re.compile(r"Expected `(?P<wanted>[^`]*)`, got `(?P<given>[^`]*)`")
_QUOTED: Final = re.compile(r"Expected `str`, got `(int|float|bool)`")
"""What YAML takes for something else than text."""
_TYPE_WORDS: Final[Mapping[str, str]] = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "object": "a mapping",
    "array": "a list",
    "null": "nothing",
}


def read(body: object, kind: type[T], at: str = "") -> T:
    """The Struct that plain data describes. `at` is the path of the section in its file.

    Raises ConfigError with the path of the first mistake, and the nearest right key or the values to choose from.
    """
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        raise _config_error(str(error), kind, at) from None


def unknown(name: str, known: Iterable[str], field: str) -> ConfigError:
    """The error for a key that is no setting, with the nearest right one."""
    known = sorted(known)
    close = get_close_matches(name, known, n=1)
    return ConfigError("is not a setting", field=field, hint=f"did you mean {close[0]}?" if close else _choice(known))


def _choice(known: Iterable[str]) -> str:
    return f"there are {listed}" if (listed := ", ".join(known)) else "nothing can be set here"


def _config_error(text: str, kind: type[msgspec.Struct], at: str) -> ConfigError:
    found = _AT.search(text)
    path = found["path"].lstrip(".") if found else ""
    text = text[: found.start()] if found else text
    field = ".".join(filter(None, (at, path)))
    types = list(_types_at(kind, path))
    if key := _UNKNOWN.match(text):
        return unknown(key["name"], _keys(types), f"{field}.{key['name']}".lstrip("."))
    if key := _MISSING.match(text):
        return ConfigError("is missing", field=f"{field}.{key['name']}".lstrip("."))
    if choice := _CHOICE.match(text):
        return ConfigError(f"cannot be {choice['value']}", field=field, hint=f"it can be {' or '.join(_values(types))}")
    return ConfigError(_in_words(text), field=field, hint="put it in quotes" if _QUOTED.match(text) else "")


def _in_words(text: str) -> str:
    if types := _TYPES.match(text):
        wanted, given = (" or ".join(_TYPE_WORDS.get(one, one) for one in types[side].split(" | ")) for side in (1, 2))
        return f"must be {wanted}, not {given}"
    for pattern, words in _WORDS:
        if pattern.match(text):
            return pattern.sub(words, text)
    return f"is wrong: {text}"


def _types_at(kind: type[msgspec.Struct], path: str) -> Iterator[inspect.Type]:
    """What may stand at a path of a Struct, each member of a union on its own."""
    types = [inspect.type_info(kind)]
    for step in steps(path):
        types = [child for one in types for child in _children(one, step)]
    for one in types:
        yield from _members(one)


def _children(one: inspect.Type, step: str | int) -> Iterator[inspect.Type]:
    for member in _members(one):
        if isinstance(member, inspect.StructType):
            yield from (field.type for field in member.fields if field.encode_name == step)
        elif isinstance(member, inspect.VarTupleType | inspect.ListType):
            yield member.item_type
        elif isinstance(member, inspect.DictType):
            yield member.value_type


def _members(one: inspect.Type) -> Iterator[inspect.Type]:
    yield from one.types if isinstance(one, inspect.UnionType) else (one,)


def _keys(types: Iterable[inspect.Type]) -> list[str]:
    return [field.encode_name for one in types if isinstance(one, inspect.StructType) for field in one.fields]


def _values(types: Iterable[inspect.Type]) -> list[str]:
    return [str(value) for one in types if isinstance(one, inspect.LiteralType) for value in one.values]
