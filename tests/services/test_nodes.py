"""Nodes and their groups: who is refused for having none, and how a group is told."""

from __future__ import annotations

import grpc
import pytest
from discovery_world import cluster
from test_services import FETCHES, STREAMS, request_of

from xds.model import Grouping, Node
from xds.model.type_url import CDS, EDS, LDS, RDS
from xds.server.grouping import ByCluster, ById, ByMetadata, by_cluster, defaulting
from xds.server.xds_server import XdsServer

ADS = [path for path, one in STREAMS.items() if not one.only]
UNKNOWN = {
    "none": None,
    "no id": {"cluster": "edge"},
    "no cluster": {"id": "n"},
    "too long": {"id": "n" * 1000, "cluster": "edge"},
    "steers a terminal": {"id": "n\x1b[31m\n", "cluster": "edge"},
}


@pytest.mark.parametrize("node", UNKNOWN.values(), ids=UNKNOWN)
@pytest.mark.parametrize("path", [*STREAMS, *FETCHES], ids=lambda path: path.rpartition("/")[2])
async def test_a_node_that_is_nobody_is_refused(served, path, node):
    """Row 6."""
    await served.publish(cluster("a"))
    await served.publish(cluster("b"), group="")
    node = {"node": node} if node else {}
    if path in STREAMS:
        call = served.open(path)
        await call.send(STREAMS[path].only or CDS, **node)
        code, words = await call.end()
    else:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await served.channel.unary_unary(path)(request_of(path, **node))
        code, words = caught.value.code(), caught.value.details()
    assert (code, "node" in words) == (grpc.StatusCode.INVALID_ARGUMENT, True)


@pytest.mark.parametrize("node", [None, {"cluster": "edge"}, {"id": "n"}], ids=["none", "no id", "no cluster"])
@pytest.mark.parametrize("path", ADS, ids=["sotw", "delta"])
async def test_a_default_group_takes_in_who_has_none(serving, path, node):
    """Row 6."""
    async with serving(XdsServer(grouping=defaulting(by_cluster, "lost"))) as served:
        await served.publish(cluster("a"))
        await served.publish(cluster("b"), group="lost")
        call = served.open(path)
        await call.send(**({"node": node} if node else {}))
        assert await call.names() == {"b"}


@pytest.mark.parametrize("first", [EDS, LDS, RDS])
@pytest.mark.parametrize("path", ADS, ids=["sotw", "delta"])
async def test_any_type_may_come_first(served, path, first):
    """Row 7: an Envoy that reconnects while a cluster warms starts with endpoints."""
    await served.publish(cluster("a"))
    call = served.open(path)
    await call.send(first, ("zz",), node={"id": "n", "cluster": "edge"})
    await call.send(CDS)
    got = await call.read()
    while got.type_url != CDS:
        got = await call.read()
    assert len(got.resources) == 1


@pytest.mark.parametrize(
    ("grouping", "node", "group"),
    [
        (ByCluster(), Node("n", "edge"), "edge"),
        (ById(), Node("n", "edge"), "n"),
        (ByMetadata(ByMetadata.Settings("acme.dev/group")), Node("n", metadata={"acme.dev/group": "a"}), "a"),
        (ByMetadata(ByMetadata.Settings("group")), Node("n", metadata={"group": 7}), ""),
        (ByMetadata(ByMetadata.Settings("group")), Node("n", "edge"), ""),
    ],
)
def test_a_grouping_tells_the_group(grouping, node, group):
    assert isinstance(grouping, Grouping)
    assert grouping.group(node) == group


def test_a_node_without_an_id_is_in_no_group_whatever_the_grouping():
    assert by_cluster(Node("", "edge")) == ""
    assert defaulting(lambda node: "all")(Node("")) == ""
    assert defaulting(lambda node: "all")(Node("n")) == "all"
    assert defaulting(lambda node: "", "lost")(Node("n")) == "lost"
