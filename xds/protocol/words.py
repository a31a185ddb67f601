"""Words: what a client says of what it refuses."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

BETWEEN: Final = re.compile(r"(?:; resource index \d+: |[,;\s]+)\Z")
"""What stands between the words on one resource and those on the next."""
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


def divided(words: str, names: Collection[str]) -> Mapping[str, str]:
    """What a refusal says of each of several resources: all of it of those that it does not speak of one by one.

    Envoy and gRPC put each resource's name and a colon in front of what is wrong with it.
    """
    every = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    found: dict[str, re.Match[str]] = {}
    for one in re.finditer(rf"(?<![\w-])({every}): ", words) if len(names) > 1 else ():
        found.setdefault(one[1], one)
    if len(found) < len(names):
        return dict.fromkeys(names, words)
    ends = [*(one.start() for one in found.values()), len(words)]
    return {name: BETWEEN.sub("", words[one.end() : end]) for (name, one), end in zip(found.items(), ends[1:], strict=True)}
