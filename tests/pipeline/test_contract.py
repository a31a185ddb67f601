"""The contract kit: what we ship keeps the contract, and what breaks it is told why."""

from __future__ import annotations

from itertools import count

import pytest
from scripted import WORD, Words, key, put, word

from providers.file import FileProvider
from providers.file import Settings as FileSettings
from sources.gatewayapi import GatewayApi
from sources.gatewayapi import Settings as GatewaySettings
from xds.codec import resource
from xds.control.contract import (
    authenticator_contract,
    grouping_contract,
    on_demand_contract,
    provider_contract,
    source_contract,
)
from xds.model import Delete, Listed, Node, NodeGroup, Objects, Principal, Snapshot, Translation
from xds.model.type_url import CDS, EDS
from xds.server.grouping import ByCluster, ByMetadata

QUICKSTART = "examples/quickstart.yaml"


@pytest.fixture
def quickstart(pytestconfig) -> FileProvider:
    return FileProvider(FileSettings((str(pytestconfig.rootpath / QUICKSTART),)))


async def test_the_file_provider_and_the_gateway_api_keep_it(quickstart):
    source = GatewayApi(GatewaySettings())
    objects = await provider_contract(quickstart, source.kinds)
    made = source_contract(source, objects)
    assert (len(objects), list(made.groups)) == (4, ["default/quickstart"])


def test_the_scripted_source_keeps_it():
    assert source_contract(Words(), Objects.of([word("a"), word("b")])).groups == {"acme": NodeGroup("acme")}


class Broken:
    """A provider that says other things each time."""

    def __init__(self, *passes):
        self._passes = list(passes)

    async def watch(self, kinds):
        for event in self._passes.pop(0):
            yield event


@pytest.mark.parametrize(
    ("passes", "promise"),
    [
        ([[put("a"), Listed()], [put("b"), Listed()]], "says the same objects again"),
        ([[put("a")]], "says Listed after its first pass"),
        ([[Delete(key("a"))]], "Word default/a is deleted and was never said"),
        ([["a"]], "'a' is no event"),
    ],
)
async def test_a_provider_that_breaks_it(passes, promise):
    with pytest.raises(AssertionError, match=promise):
        await provider_contract(Broken(*passes), [WORD])


class Hosts:
    """Makes a cluster of every name but `none`."""

    types = frozenset({CDS})

    async def make(self, group, type_url, name):
        return None if name == "none" else resource({"@type": CDS, "name": name})


class Uneven(Hosts):
    def __init__(self):
        self.calls = count()

    async def make(self, group, type_url, name):
        return resource({"@type": CDS, "name": name, "alt_stat_name": str(next(self.calls))})


class Astray(Hosts):
    async def make(self, group, type_url, name):
        return [resource({"@type": CDS, "name": "other"})]


class Rough(Hosts):
    async def make(self, group, type_url, name):
        return [{"@type": CDS, "name": name}]


async def test_an_on_demand_hook_that_keeps_it():
    uri = f"xdstp://x/{CDS.rpartition('/')[2]}/c?k=1&j=2"
    made = await on_demand_contract(Hosts(), "edge", CDS, "a", "none", uri)
    assert (len(made), made[0].name) == (2, "a")


@pytest.mark.parametrize(
    ("hook", "type_url", "promise"),
    [
        (Uneven, CDS, "a hook makes the same"),
        (Astray, CDS, "nothing of what was made for 'a' has that name"),
        (Rough, CDS, "is no Resource"),
        (Hosts, EDS, "a hook is asked for its types"),
        (object, CDS, "an on-demand hook has types and make"),
    ],
)
async def test_an_on_demand_hook_that_breaks_it(hook, type_url, promise):
    with pytest.raises(AssertionError, match=promise):
        await on_demand_contract(hook(), "edge", type_url, "a")


def test_groupings_that_keep_it():
    nodes = Node("n1", "edge"), Node("n2", metadata={"team": "a"})
    assert grouping_contract(ByCluster(), *nodes) == ("edge", "")
    assert grouping_contract(ByMetadata(ByMetadata.Settings("team")), *nodes) == ("", "a")


class Moody:
    """Puts a node elsewhere each time."""

    def __init__(self):
        self.asked = 0

    def group(self, node):
        self.asked += 1
        return str(self.asked)


class Silent:
    def group(self, node):
        return None


@pytest.mark.parametrize(
    ("grouping", "promise"),
    [(Moody, "the same group when it is asked"), (Silent, "a group is text"), (object, "has a method group")],
)
def test_a_grouping_that_breaks_it(grouping, promise):
    with pytest.raises(AssertionError, match=promise):
        grouping_contract(grouping(), Node("n"))


class Bearer:
    """Takes any token for its bearer's name."""

    async def authenticate(self, metadata, certified):
        name = metadata.get("authorization", "").removeprefix("Bearer ")
        return self.principal(name) if name else None

    def principal(self, name):
        return Principal((name,))


class Trusting(Bearer):
    async def authenticate(self, metadata, certified):
        return Principal(("everybody",))


class Nameless(Bearer):
    def principal(self, name):
        return Principal(())


class Literal(Bearer):
    def principal(self, name):
        return name


async def test_an_authenticator_that_keeps_it():
    assert await authenticator_contract(Bearer(), {"authorization": "Bearer edge"}) == Principal(("edge",))


@pytest.mark.parametrize(
    ("authenticator", "promise"),
    [
        (Trusting, "who sends nothing, or an empty token, is nobody"),
        (Nameless, "a principal has a name"),
        (Literal, "'edge' is no Principal"),
        (object, "has a method authenticate"),
    ],
)
async def test_an_authenticator_that_breaks_it(authenticator, promise):
    with pytest.raises(AssertionError, match=promise):
        await authenticator_contract(authenticator(), {"authorization": "Bearer edge"})


class Forgetful(Words):
    """Makes everything anew."""

    def translate(self, objects):
        made = super().translate(objects)
        self._made, self._last = {}, Snapshot()
        return made


class Unsteady(Words):
    """Counts its calls in what comes out."""

    def translate(self, objects):
        made = super().translate(objects)
        return Translation(made.snapshots, {"acme": NodeGroup("acme"), str(len(self.translations)): NodeGroup("x")})


@pytest.mark.parametrize(
    ("source", "spec", "promise"),
    [
        (Forgetful, {}, "a did not change and was made anew"),
        (Unsteady, {}, "the same objects mean the same"),
        (Words, {"dangling": "nowhere"}, "names eds 'nowhere', which is not in the snapshot"),
    ],
)
def test_a_source_that_breaks_it(source, spec, promise):
    with pytest.raises(AssertionError, match=promise):
        source_contract(source(), Objects.of([word("a", **spec)]))
