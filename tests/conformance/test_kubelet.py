"""The fake kubelet keeps the contract of a real one, as far as the suite asks for it, in the cluster of `make cluster`."""

from __future__ import annotations

import datetime as dt
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sandbox
import toolbox

HERE = Path(__file__).parent
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "late"}, "stringData": {"name": "waited"}}


def deployment(name: str, **container: object) -> dict[str, object]:
    labels = {"app": name}
    pod = {"containers": [{"name": name, "image": "example.com/echo-basic:v1", **container}]}
    if "volumeMounts" in container:
        pod["volumes"] = [{"name": "files", "secret": {"secretName": "late"}}]
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels}, "spec": spec}


class Cluster:
    """The cluster of a developer, asked as it says."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def kubectl(self, *arguments: str, apply: object = None) -> str:
        text = json.dumps(apply) if apply else None
        command = [str(self._folder / "kubectl"), *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def apply(self, document: object) -> None:
        self.kubectl("apply", "-f", "-", apply=document)

    def available(self, name: str) -> None:
        self.kubectl("wait", "--for=condition=Available", "--timeout=30s", f"deployment/{name}")

    def pods(self, name: str) -> list[dict]:
        return json.loads(self.kubectl("get", "pods", "-l", f"app={name}", "-o", "json"))["items"]

    def get(self, pod: dict, path: str = "/") -> str:
        """What a pod answers to somebody in there; nothing when it does not."""
        url = f"http://{pod['status']['podIP']}:3000{path}"
        ask = f"from urllib.request import urlopen; print(urlopen({url!r}, timeout=5).read().decode())"
        done = subprocess.run(
            [str(self._folder / "enter"), sys.executable, "-c", ask], capture_output=True, text=True, check=False
        )
        return done.stdout


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    for module in (toolbox.CLUSTER, toolbox.SUITE):
        if not module.kept().exists():
            pytest.skip("the bench is not built: `make conformance` does so, where there is a Go")
    try:
        sandbox.way()
    except toolbox.UnavailableError as error:
        pytest.skip(str(error))
    process = subprocess.Popen([sys.executable, str(HERE), "cluster"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = next(line for line in process.stdout if "/kubectl" in line)
        yield Cluster(Path(line.split()[0]).parent)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def test_a_pod_runs_is_ready_and_is_reached(cluster):
    """A Deployment gets a pod that answers at its address, knows its name, and is in its Service's EndpointSlice."""
    named = {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    cluster.apply(deployment("one", env=[named]))
    cluster.kubectl("expose", "deployment/one", "--port=80", "--target-port=3000")
    cluster.available("one")
    (pod,) = cluster.pods("one")
    answer = json.loads(cluster.get(pod))
    assert answer["pod"] == pod["metadata"]["name"]
    wait = "--for=jsonpath={.endpoints[0].addresses[0]}=" + pod["status"]["podIP"]
    cluster.kubectl("wait", wait, "--timeout=30s", "endpointslice", "-l", "kubernetes.io/service-name=one")


def test_logs_begin_where_they_are_asked_to(cluster):
    """The logs of a pod come through the API server; with a time, those before it stay out."""
    cluster.apply(deployment("talks"))
    cluster.available("talks")
    (pod,) = cluster.pods("talks")
    cluster.get(pod, "/said")
    assert "request made to /said" in cluster.kubectl("logs", pod["metadata"]["name"])
    later = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert cluster.kubectl("logs", pod["metadata"]["name"], f"--since-time={later}") == ""


def test_a_pod_waits_for_its_files(cluster):
    """A pod with a Secret as files starts when the Secret is there, and its words lead to the files."""
    mount = [{"name": "files", "mountPath": "/etc/files"}]
    cluster.apply(deployment("waits", volumeMounts=mount, env=[{"name": "NAMESPACE", "value": "/etc/files/name"}]))
    cluster.kubectl("wait", "--for=jsonpath={.spec.nodeName}=bench", "--timeout=30s", "pod", "-l", "app=waits")
    assert cluster.pods("waits")[0]["status"]["phase"] == "Pending"
    cluster.apply(SECRET)
    cluster.available("waits")
    (pod,) = cluster.pods("waits")
    answer = json.loads(cluster.get(pod))
    assert Path(answer["namespace"]).read_text() == "waited"


def test_an_image_without_a_program_is_told_of(cluster):
    """A pod whose image the node cannot run says so."""
    cluster.apply(deployment("strange", image="example.com/other:v1"))
    cluster.kubectl("wait", "--for=jsonpath={.status.reason}=NoProgram", "--timeout=30s", "pod", "-l", "app=strange")


def test_a_container_that_ends_starts_again(cluster):
    """What ends by itself is started again and counted, and is not ready meanwhile."""
    missing = [{"name": name, "value": "/none"} for name in ("TLS_SERVER_CERT", "TLS_SERVER_PRIVKEY")]
    cluster.apply(deployment("ends", env=missing))
    again = "--for=jsonpath={.status.containerStatuses[0].restartCount}=2"
    cluster.kubectl("wait", again, "--timeout=30s", "pod", "-l", "app=ends")


def test_a_deleted_pod_ends(cluster):
    """What is deleted goes: the pod from the API server, its process from the machine."""
    cluster.apply(deployment("goes"))
    cluster.available("goes")
    (pod,) = cluster.pods("goes")
    assert cluster.get(pod)
    cluster.kubectl("delete", "deployment/goes")
    cluster.kubectl("wait", "--for=delete", "--timeout=30s", f"pod/{pod['metadata']['name']}")
    assert not cluster.get(pod)
