"""Words: what a client says of what it refuses."""

from __future__ import annotations

import re
from typing import Final

DUMP: Final = re.compile(r"goo\.gle/debug\w*\s.*?(?=\n: |\Z)\n?", re.DOTALL)
NAME: Final = re.compile(r'^(?:cluster_)?name: "(.*)"', re.MULTILINE)


def plain(words: str) -> str:
    """The words without the messages that Envoy prints among them, each as its name alone.

    Where a message breaks one of its constraints, Envoy prints all of it as protobuf's debug text: pages of it, and a
    private key like anything else. Names of other resources in it would look like theirs were refused, too.
    """
    return DUMP.sub(_name_of, words).strip()


def _name_of(dump: re.Match[str]) -> str:
    name = NAME.search(dump[0])
    return name[1] if name else "a resource"
