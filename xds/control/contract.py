"""The contract: what every plug-in promises, as checks for its author's own tests.

Each raises AssertionError, with the promise that was broken.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence

from xds.model import (
    Authenticator,
    Delete,
    Grouping,
    Key,
    Kind,
    Listed,
    Node,
    Object,
    Objects,
    OnDemand,
    Principal,
    Provider,
    Put,
    Report,
    Resource,
    Source,
    Translation,
    dangling,
)
from xds.model.name import canonical


async def provider_contract(provider: Provider, kinds: Collection[Kind]) -> Objects:
    """Watches a provider twice, up to Listed, while nothing changes. Gives the objects that it said."""
    assert isinstance(provider, Provider), "a provider has a method watch(kinds)"
    first, second = [await _listed(provider, kinds) for _ in range(2)]
    assert first == second, "watched anew, a provider says the same objects again"
    return Objects.of(first.values())


async def _listed(provider: Provider, kinds: Collection[Kind]) -> dict[Key, Object]:
    said: dict[Key, Object] = {}
    events = provider.watch(kinds)
    async for event in events:
        assert isinstance(event, Put | Delete | Listed | Report), f"{event!r} is no event"
        if isinstance(event, Listed):
            break
        if isinstance(event, Put):
            said[event.object.key] = event.object
        elif isinstance(event, Delete):
            assert said.pop(event.key, None), f"{event.key} is deleted and was never said"
    else:
        raise AssertionError("a provider goes on until it is cancelled, and says Listed after its first pass")
    if isinstance(events, AsyncGenerator):
        await events.aclose()
    return said


async def on_demand_contract(hook: OnDemand, group: str, type_url: str, *names: str) -> tuple[Resource, ...]:
    """Asks the hook twice for each of these names. Gives what it made."""
    assert isinstance(hook, OnDemand), "an on-demand hook has types and make(group, type_url, name)"
    assert type_url in hook.types, f"a hook is asked for its types, and {type_url} is none of them"
    made: list[Resource] = []
    for name in names:
        first, second = [_resources(await hook.make(group, type_url, name)) for _ in range(2)]
        assert first == second, f"asked for {name!r} again, a hook makes the same"
        answers = {(one.type_url, known) for one in first for known in (one.name, *one.aliases)}
        assert not first or (type_url, canonical(name)) in answers, f"nothing of what was made for {name!r} has that name"
        made += first
    return tuple(made)


def _resources(made: Resource | Sequence[Resource] | None) -> tuple[Resource, ...]:
    resources = (made,) if isinstance(made, Resource) else tuple(made or ())
    assert all(isinstance(one, Resource) for one in resources), f"{made!r} is no Resource, no sequence of them, and not None"
    return resources


def grouping_contract(grouping: Grouping, *nodes: Node) -> tuple[str, ...]:
    """Asks for the group of each node, and of one that says nothing. Gives the groups of the nodes."""
    assert isinstance(grouping, Grouping), "a grouping has a method group(node)"
    every = (*nodes, Node(""))
    groups = tuple(map(grouping.group, every))
    assert all(isinstance(one, str) for one in groups), "a group is text; that of a node which belongs to none is empty"
    assert tuple(map(grouping.group, every)) == groups, "a node belongs to the same group when it is asked for again"
    return groups[: len(nodes)]


async def authenticator_contract(authenticator: Authenticator, metadata: Mapping[str, str]) -> Principal | None:
    """Asks who sends nothing, an empty token, and this metadata. Gives the last answer."""
    assert isinstance(authenticator, Authenticator), "an authenticator has a method authenticate(metadata, certified)"
    nobody = [await authenticator.authenticate(sent, None) for sent in ({}, {"authorization": "Bearer "})]
    assert nobody == [None, None], "who sends nothing, or an empty token, is nobody: None"
    found = await authenticator.authenticate(metadata, None)
    assert found is None or isinstance(found, Principal), f"{found!r} is no Principal, and not None"
    assert found is None or (found.names and found.proved), "a principal has a name, and is proved"
    return found


def source_contract(source: Source, objects: Objects) -> Translation:
    """Translates these objects, translates them again, and takes each of them away and back. Gives the translation."""
    assert isinstance(source, Source), "a source has kinds, check(one) and translate(objects)"
    first = source.translate(objects)
    _must_be_sound(first, objects)
    _must_be_identical(first, source.translate(objects))
    for one in objects:
        assert source.check(one) == source.check(one), f"the check of {one.key} depends on more than the object"
        source.translate(objects.updated([(one.key, None)]))
        assert source.translate(objects) == first, f"without {one.key} and with it again, something else comes out"
    return first


def _must_be_sound(made: Translation, objects: Objects) -> None:
    assert made.snapshots.keys() <= made.groups.keys(), "a snapshot belongs to a group that the translation names"
    assert all(map(objects.get, made.statuses)), "a status belongs to an object that exists"
    for snapshot in made.snapshots.values():
        assert not dangling(snapshot), "; ".join(dangling(snapshot))
        assert all(objects.get(key) for one in snapshot for key in one.authors), "an author is an object that exists"


def _must_be_identical(old: Translation, new: Translation) -> None:
    assert old == new, "the same objects mean the same"
    for name, snapshot in old.snapshots.items():
        for one in snapshot:
            again = new.snapshots[name].get((one.type_url, one.name))
            assert one is again, f"{one.name} did not change and was made anew"
