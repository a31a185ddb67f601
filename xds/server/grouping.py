"""Groupings: which node group a node belongs to, told by its cluster, its id or its metadata."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import msgspec

from xds.model import Node

GroupOf: TypeAlias = Callable[[Node], str]
"""The name of a node's group; empty for a node that belongs to none, which is refused."""


def by_cluster(node: Node) -> str:
    """The group that the node's `cluster` names: what our own bootstrap says. A node without an id belongs to none."""
    return node.cluster if node.id else ""


def defaulting(grouping: GroupOf, default: str = "") -> GroupOf:
    """The same grouping, with a group for the nodes that have no id or belong to none; empty for no group at all."""
    return partial(_group, grouping, default)


def _group(grouping: GroupOf, default: str, node: Node) -> str:
    return (grouping(node) if node.id else "") or default


class ByCluster:
    """The group that the node's `cluster` names."""

    def group(self, node: Node) -> str:
        """The node's cluster."""
        return node.cluster


class ById:
    """A group for each node, named by its id."""

    def group(self, node: Node) -> str:
        """The node's id."""
        return node.id


class ByMetadata:
    """The group that an entry of the node's metadata names."""

    class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """`key` is the entry's."""

        key: str

    def __init__(self, settings: Settings) -> None:
        self._key = settings.key

    def group(self, node: Node) -> str:
        """The text that the entry holds; where it holds anything else, the node belongs to no group."""
        found = node.metadata.get(self._key)
        return found if isinstance(found, str) else ""
