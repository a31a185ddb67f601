"""The translator: several sources as one, and hooks that edit what goes out."""

from __future__ import annotations

import pytest

from xds.codec import decode, resource
from xds.control.translator import Translator
from xds.model import Key, Kind, Listen, NodeGroup, Object, Objects, Snapshot, Status, Translation
from xds.model.type_url import CDS, LDS, LEDS

PEAR = Kind("fruit.dev", "Pear")


def cluster(name: str, timeout: str = "1s"):
    return resource({"@type": CDS, "name": name, "connect_timeout": timeout}, authors=(Key(PEAR, "default", name),))


class Fixed:
    """A source that says what it is told, whatever the objects."""

    kinds = frozenset({PEAR})

    def __init__(self, *resources, group="g", statuses=()):
        self.said = Translation(
            {group: Snapshot.of(resources)},
            {group: NodeGroup(group, (Listen("::", len(resources)),))},
            dict(statuses),
        )

    def check(self, one):
        return [one.key.name]

    def translate(self, _):
        return self.said


class Slow:
    """A hook that gives every cluster more time, and counts how often it is asked."""

    message = "envoy.config.cluster.v3.Cluster"

    def __init__(self):
        self.asked = []

    def edit(self, message):
        self.asked.append(message.name)
        message.connect_timeout.seconds += 10
        return message


class Dropping(Slow):
    def edit(self, message):
        return None if message.name == "b" else super().edit(message)


class Failing(Slow):
    def edit(self, message):
        return {}["a"] if message.name == "b" else message


class Renaming(Slow):
    def edit(self, message):
        self.asked.append(message.name)
        return {"@type": CDS, "name": message.name + "-x"}


def seconds(snapshot: Snapshot) -> dict:
    return {name: decode(CDS, one.body).connect_timeout.seconds for name, one in snapshot.of_type(CDS).items()}


def test_one_source_without_hooks_is_passed_through_untouched():
    source = Fixed(cluster("a"))
    assert Translator([source]).translate(Objects()) is source.said


def test_sources_share_a_group_and_the_first_one_counts():
    pear = Key(PEAR, "", "p")
    first = Fixed(cluster("a"), cluster("b"), statuses={pear: Status(summary="first")}.items())
    second = Fixed(cluster("b", "2s"), cluster("c", "2s"), statuses={pear: Status(summary="second")}.items())
    merged = Translator([first, second, Fixed(group="h")]).translate(Objects())
    assert seconds(merged.snapshots["g"]) == {"a": 1, "b": 1, "c": 2}
    assert len(merged.groups["g"].listens) == 2
    assert merged.statuses[pear].summary == "first"
    assert set(merged.snapshots) == {"g", "h"}


def test_what_several_sources_give_one_group_is_the_same_snapshot_until_a_part_of_it_changes():
    first, second = Fixed(cluster("a")), Fixed(cluster("b"))
    translator = Translator([first, second])
    before = translator.translate(Objects()).snapshots["g"]
    assert translator.translate(Objects()).snapshots["g"] is before
    second.said = Fixed(cluster("b"), cluster("c")).said
    assert set(translator.translate(Objects()).snapshots["g"].of_type(CDS)) == {"a", "b", "c"}


def test_a_source_that_has_nothing_to_say_costs_nothing():
    first = Fixed(cluster("a"))
    silent = Fixed()
    silent.said = Translation()
    assert Translator([first, silent]).translate(Objects()) is first.said


def test_an_object_is_checked_by_every_source_of_its_kind():
    translator = Translator([Fixed(), Fixed()])
    body = {"apiVersion": "fruit.dev/v1", "kind": "Pear", "metadata": {"name": "p"}}
    assert translator.kinds == {PEAR}
    assert translator.check(Object.of(body)) == ["p", "p"]
    assert translator.check(Object.of({**body, "kind": "Apple"})) == []


def test_a_hook_edits_its_own_type_and_no_other():
    source = Fixed(cluster("a"), resource({"@type": LDS, "name": "l"}))
    edited = Translator([source], [Slow()]).translate(Objects()).snapshots["g"]
    assert seconds(edited) == {"a": 11}
    assert edited.of_type(CDS)["a"].authors == (Key(PEAR, "default", "a"),)
    assert edited.of_type(LDS) is source.said.snapshots["g"].of_type(LDS)


def test_hooks_run_one_after_the_other():
    assert seconds(Translator([Fixed(cluster("a"))], [Slow(), Slow()]).translate(Objects()).snapshots["g"]) == {"a": 21}


class Heavy:
    """A hook that gives every endpoint more weight."""

    message = "envoy.config.endpoint.v3.LbEndpoint"

    def edit(self, message):
        message.load_balancing_weight.value += 1
        return message


def test_a_hook_leaves_the_name_of_what_has_none_in_itself():
    name = "xdstp://x/envoy.config.endpoint.v3.LbEndpoint/a/1"
    source = Fixed(resource({"@type": LEDS, "load_balancing_weight": 2}, name=name))
    edited = Translator([source], [Heavy()]).translate(Objects()).snapshots["g"]
    assert decode(LEDS, edited.of_type(LEDS)[name].body).load_balancing_weight.value == 3


def test_a_hook_may_drop_a_resource():
    edited = Translator([Fixed(cluster("a"), cluster("b"))], [Dropping()]).translate(Objects())
    assert set(edited.snapshots["g"].of_type(CDS)) == {"a"}


def test_a_hook_that_fails_leaves_that_one_resource_out_and_says_so():
    edited = Translator([Fixed(cluster("a"), cluster("b"))], [Failing()]).translate(Objects())
    assert set(edited.snapshots["g"].of_type(CDS)) == {"a"}
    (told,) = edited.diagnostics
    assert told.message == "cds 'b' is left out: Failing raised KeyError: 'a'"
    assert told.key == Key(PEAR, "default", "b")


@pytest.mark.parametrize("hook", [Slow, Renaming])
def test_a_hook_sees_only_what_is_new_and_the_rest_is_the_same_object(hook):
    counting = hook()
    a, b, c = cluster("a"), cluster("b"), cluster("c")
    source = Fixed(a, b)
    translator = Translator([source], [counting])
    before = translator.translate(Objects()).snapshots["g"]
    assert translator.translate(Objects()).snapshots["g"].of_type(CDS) is before.of_type(CDS)
    source.said = Fixed(a, c).said
    after = translator.translate(Objects()).snapshots["g"]
    assert counting.asked == ["a", "b", "c"]
    assert [one for one in after if any(one is old for old in before)] == [next(iter(before))]
    assert len(after) == 2
