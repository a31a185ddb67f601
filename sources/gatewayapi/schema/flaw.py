"""Flaws: every place where a document is not what its schema says, in words for its author.

msgspec stops at the first mistake and speaks of types; an author wants all of them, in plain words. So a document that
msgspec refuses is walked again here, along the same types. Documents that are in order never come this way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar

from msgspec import Struct, inspect

from sources.gatewayapi.schema.scalar import HOSTNAME, MEANT, PRECISE_HOSTNAME

Item = TypeVar("Item")


class Flaw(NamedTuple):
    """One mistake: the path of the field, what is wrong with it, and what to do."""

    field: str
    message: str
    hint: str = ""


def flaws(kind: type[Struct], body: Mapping[str, Any]) -> Iterator[Flaw]:
    """Every mistake in a document, in the order of its fields. Nulls count as absent, as in Kubernetes."""
    return _check(without_nulls(body), _type_of(kind), "")


def without_nulls(value: Any) -> Any:
    """The same data without the fields that are null."""
    if isinstance(value, Mapping):
        return {name: without_nulls(entry) for name, entry in value.items() if entry is not None}
    if isinstance(value, list | tuple):
        return [without_nulls(entry) for entry in value]
    return value


def repeated(items: Iterable[Item], key: Callable[[Item], Hashable]) -> Iterator[tuple[int, Item]]:
    """(index, item) of each item whose key an earlier item has already."""
    seen: set[Hashable] = set()
    for index, item in enumerate(items):
        if (of_item := key(item)) in seen:
            yield index, item
        seen.add(of_item)


_type_of = cache(inspect.type_info)


def _check(value: Any, of: inspect.Type, path: str) -> Iterator[Flaw]:
    return _CHECKS[type(of)](value, of, path) if type(of) in _CHECKS else iter(())


def _check_struct(value: Any, of: inspect.StructType, path: str) -> Iterator[Flaw]:
    if not isinstance(value, Mapping):
        yield Flaw(path, f"must be an object with fields, not {_shown(value)}")
        return
    known = {field.encode_name: field for field in of.fields}
    if of.forbid_unknown_fields:
        yield from (_unknown(name, known, path) for name in value if name not in known)
    for name, field in known.items():
        if name in value:
            yield from _check(value[name], field.type, _join(path, name))
        elif field.required:
            yield Flaw(_join(path, name), "is missing")


def _unknown(name: str, known: Iterable[str], path: str) -> Flaw:
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
    return Flaw(_join(path, name), "is no known field", hint)


def _check_array(value: Any, of: inspect.VarTupleType, path: str) -> Iterator[Flaw]:
    if not isinstance(value, list):
        yield Flaw(path, f"must be a list, not {_shown(value)}")
        return
    yield from _check_size(len(value), of.min_length, of.max_length, path)
    for index, item in enumerate(value):
        yield from _check(item, of.item_type, f"{path}[{index}]")


def _check_map(value: Any, of: inspect.DictType, path: str) -> Iterator[Flaw]:
    if not isinstance(value, Mapping):
        yield Flaw(path, f"must be an object with fields, not {_shown(value)}")
        return
    yield from _check_size(len(value), of.min_length, of.max_length, path)
    for name, entry in value.items():
        yield from _check(entry, of.value_type, f'{path}["{name}"]')


def _check_size(size: int, least: int | None, most: int | None, path: str) -> Iterator[Flaw]:
    if least is not None and size < least:
        yield Flaw(path, "must not be empty" if least == 1 else f"must have at least {least} entries, not {size}")
    if most is not None and size > most:
        yield Flaw(path, f"must have at most {most} entries, not {size}")


def _check_union(value: Any, of: inspect.UnionType, path: str) -> Iterator[Flaw]:
    """All unions here are "this or absent"."""
    for one in of.types:
        yield from _check(value, one, path)


def _check_text(value: Any, of: inspect.StrType, path: str) -> Iterator[Flaw]:
    if not isinstance(value, str):
        hint = "write it in quotes" if isinstance(value, bool | int | float) else ""
        yield Flaw(path, f"must be text, not {_shown(value)}", hint)
    elif of.min_length and not value:
        yield Flaw(path, "must not be empty")
    elif of.max_length is not None and len(value) > of.max_length:
        yield Flaw(path, f"must be at most {of.max_length} characters long, not {len(value)}")
    elif of.pattern is not None and not re.search(of.pattern, value):
        yield Flaw(path, f"{MEANT[of.pattern]}, not {_shown(value)}", _hint(of.pattern, value))


_HOSTNAME_HINTS: Final = (
    (r"://", "write only the name, without the scheme"),
    (r"/", "write only the name; paths belong into the matches of a route"),
    (r"^[^:]+:\d+\Z", "write only the name, without the port"),
    (r"^[\d.]+\Z|:", "an IP address is no hostname"),
    (r"^\*\Z", "leave the hostname out to mean every name"),
    (r"\*", "a wildcard stands alone in front: *.example.com"),
    (r"[A-Z]", "write it in lower case"),
)
"""Pattern -> what to do about such a hostname; the first that is found counts."""


def _hint(pattern: str, value: str) -> str:
    if pattern not in (HOSTNAME, PRECISE_HOSTNAME):
        return ""
    return next((hint for mistake, hint in _HOSTNAME_HINTS if re.search(mistake, value)), "")


def _check_number(value: Any, of: inspect.IntType, path: str) -> Iterator[Flaw]:
    if isinstance(value, bool) or not isinstance(value, int):
        hint = "write it without quotes" if isinstance(value, str) and value.isdecimal() else ""
        yield Flaw(path, f"must be a whole number, not {_shown(value)}", hint)
    elif (of.ge is not None and value < of.ge) or (of.le is not None and value > of.le):
        bounds = f"between {of.ge} and {of.le}" if of.le is not None else f"at least {of.ge}"
        yield Flaw(path, f"must be {bounds}, not {value}")


def _check_flag(value: Any, _of: inspect.BoolType, path: str) -> Iterator[Flaw]:
    if not isinstance(value, bool):
        yield Flaw(path, f"must be true or false, not {_shown(value)}")


def _check_choice(value: Any, of: inspect.LiteralType, path: str) -> Iterator[Flaw]:
    if value not in of.values:
        yield Flaw(path, f"must be {either(of.values)}, not {_shown(value)}")


def either(values: Sequence[Any]) -> str:
    """`a, b or c`."""
    *most, last = map(str, values)
    return f"{', '.join(most)} or {last}" if most else last


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _shown(value: Any) -> str:
    """The value as JSON, cut short, and printable whatever is in it."""
    text = json.dumps(value, ensure_ascii=False, default=str).encode(errors="backslashreplace").decode()
    return text if len(text) <= 60 else f"{text[:60]}…"


_CHECKS: Final[Mapping[type[inspect.Type], Callable[[Any, Any, str], Iterator[Flaw]]]] = MappingProxyType(
    {
        inspect.StructType: _check_struct,
        inspect.VarTupleType: _check_array,
        inspect.DictType: _check_map,
        inspect.UnionType: _check_union,
        inspect.StrType: _check_text,
        inspect.IntType: _check_number,
        inspect.BoolType: _check_flag,
        inspect.LiteralType: _check_choice,
    },
)
"""Type -> what a value of it must be. Others (null, anything) ask for nothing."""
