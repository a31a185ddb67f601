"""Names: resource names that are URIs, `xdstp://authority/type/path?context`, and the globs over them.

Any other name is opaque text, and nothing here costs it more than a look at its first letters.

https://github.com/cncf/xds/blob/main/proposals/TP1-xds-transport-next.md
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, unquote

SCHEME: Final = "xdstp://"
PARTS: Final = re.compile(r"xdstp://(?P<authority>[^/?#]*)/(?P<type>[^/?#]+)/(?P<path>[^?#]+)(\?(?P<context>[^#]*))?")
LITERAL: Final = ":*@!$'()+,;~"
"""Characters that stand for themselves, besides letters, digits and `_.-`."""


def canonical(name: str) -> str:
    """One spelling of all equivalent names: context parameters in order, everything percent-encoded alike.

    What is no name by the scheme stays as it is: it is a name that nothing has. A processing directive (`#...`) makes a
    locator, which is no name.
    """
    if not name.startswith(SCHEME):
        return name
    parts = PARTS.fullmatch(name)
    if parts is None:
        return name
    place = "/".join(map(_encoded, (parts["authority"], parts["type"], parts["path"])))
    context = "&".join(sorted(map(_parameter, filter(None, (parts["context"] or "").split("&")))))
    return f"{SCHEME}{place}?{context}" if context else SCHEME + place


def _encoded(part: str) -> str:
    # A slash that was written %2F belongs to its segment, and is none between two.
    return "/".join(quote(unquote(segment), safe=LITERAL) for segment in part.split("/"))


def _parameter(text: str) -> str:
    key, _, value = text.partition("=")
    return f"{_encoded(key)}={_encoded(value)}"


def type_in(name: str) -> str | None:
    """The full name of the resource type that a name states; None where it states none, or is no valid name."""
    parts = PARTS.fullmatch(name)
    return parts["type"] if parts else None


def is_glob(name: str) -> bool:
    """Whether a name stands for all names of its directory that have the same context."""
    return name.startswith(SCHEME) and name.partition("?")[0].endswith("/*")


def glob_over(name: str) -> str:
    """The glob that a canonical name belongs to: its directory alone, not those above it, as Envoy reads globs too."""
    if not name.startswith(SCHEME):
        return ""
    place, mark, context = name.partition("?")
    return f"{place.rpartition('/')[0]}/*{mark}{context}"
