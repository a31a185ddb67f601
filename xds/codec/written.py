"""Data written as YAML, for people to read."""

from __future__ import annotations

from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    """Lists are indented, and a text of several lines keeps them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  PyYAML's own
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, _: object) -> bool:
        """Nothing is written as a reference to something above."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def as_yaml(*documents: Any) -> str:
    """YAML, in the order of the data; several documents with a line between them. It does not end in a line break."""
    text: str = yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text.rstrip("\n")
