"""The controllers that workloads need: Deployments get pods, Services get EndpointSlices, what is owned goes."""

from __future__ import annotations

from typing import Final

from api_server import ApiServer
from child import Child

NEEDED: Final = (
    "deployment-controller",
    "replicaset-controller",
    "endpointslice-controller",
    "serviceaccount-controller",
    "namespace-controller",
    "garbage-collector-controller",
)


def controllers(server: ApiServer) -> Child:
    """kube-controller-manager with these controllers, an administrator of the server; to be entered as a context."""
    flags = [
        f"--kubeconfig={server.kubeconfig}",
        f"--controllers={','.join(NEEDED)}",
        "--leader-elect=false",
        "--secure-port=0",
    ]
    log = server.directory / "kube-controller-manager.log"
    return Child([server.program, "kube-controller-manager", *flags], log)
