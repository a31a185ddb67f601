"""The workload: what runs, and how it is reached."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final

from providers.install.plan import Document, Plan
from providers.install.settings import ADMIN_PORT, FILE, FOLDER, TLS, XDS_PORT, settings
from xds.codec.written import as_yaml

USER: Final = 65532
"""Who runs it; the image has no name for it."""
MEMORY: Final = {"requests": "128Mi", "limits": "512Mi"}


def namespace(plan: Plan) -> Document:
    """The namespace, in which no pod may have more rights than ours take."""
    made = plan.named(plan.namespace, "v1", "Namespace")
    made["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = "restricted"
    return made


def service_account(plan: Plan) -> Document:
    """Who the control plane is to the API server."""
    return plan.document("v1", "ServiceAccount", automountServiceAccountToken=False)


def config_map(plan: Plan) -> Document:
    """The settings file."""
    return plan.document("v1", "ConfigMap", data={FILE: _written(plan)})


def _written(plan: Plan) -> str:
    return as_yaml(settings(plan)) + "\n"


def deployment(plan: Plan) -> Document:
    """The replicas. Each serves; one of them writes statuses."""
    spec = {
        "replicas": plan.replicas,
        "selector": {"matchLabels": dict(plan.selector)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "template": _pod(plan),
    }
    return plan.document("apps/v1", "Deployment", spec=spec)


def _pod(plan: Plan) -> Document:
    # Pods of other settings are other pods: a change of the settings is rolled out.
    digest = blake2b(_written(plan).encode(), digest_size=8).hexdigest()
    labels = {**plan.selector, "app.kubernetes.io/version": plan.version}
    return {
        "metadata": {"labels": labels, "annotations": {"legation.dev/settings": digest}},
        "spec": {
            "serviceAccountName": plan.name,
            "automountServiceAccountToken": True,
            "enableServiceLinks": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "topologySpreadConstraints": [_spread(plan)],
            "containers": [_container(plan)],
            "volumes": [
                {"name": "settings", "configMap": {"name": plan.name}},
                {"name": "tls", "secret": {"secretName": f"{plan.name}-tls", "defaultMode": 0o440}},
            ],
        },
    }


def _spread(plan: Plan) -> Document:
    """One node that dies should not take every replica along."""
    return {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": dict(plan.selector)},
    }


def _container(plan: Plan) -> Document:
    return {
        "name": "legation",
        "image": plan.image,
        "args": ["serve", "--config", f"{FOLDER}/{FILE}"],
        "env": [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "ports": [
            {"name": "xds", "containerPort": XDS_PORT},
            {"name": "admin", "containerPort": ADMIN_PORT},
        ],
        "livenessProbe": {**_probe("/healthz"), "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6},
        "readinessProbe": {**_probe("/readyz"), "periodSeconds": 2, "timeoutSeconds": 2, "failureThreshold": 3},
        "resources": {
            "requests": {"cpu": "100m", "memory": MEMORY["requests"]},
            "limits": {"memory": MEMORY["limits"]},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "settings", "mountPath": FOLDER, "readOnly": True},
            {"name": "tls", "mountPath": TLS, "readOnly": True},
        ],
    }


def _probe(path: str) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": "admin"}}


def disruption_budget(plan: Plan) -> Document:
    """Nodes are emptied of it one replica after the other."""
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": dict(plan.selector)}}
    return plan.document("policy/v1", "PodDisruptionBudget", spec=spec)


def service(plan: Plan) -> Document:
    """Where proxies connect, and where Prometheus looks."""
    ports = [{"name": name, "port": port, "targetPort": name} for name, port in (("xds", XDS_PORT), ("admin", ADMIN_PORT))]
    return plan.document("v1", "Service", spec={"selector": dict(plan.selector), "ports": ports})


def gateway_class(plan: Plan) -> Document:
    """The class that Gateways name."""
    spec = {"controllerName": "legation.dev/gateway"}
    return plan.named(plan.gateway_class, "gateway.networking.k8s.io/v1", "GatewayClass", spec=spec)
