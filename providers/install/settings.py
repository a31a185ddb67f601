"""Settings: the settings file of an installation."""

from __future__ import annotations

from typing import Any, Final

from providers.install.plan import Plan

FOLDER: Final = "/etc/legation"
FILE: Final = "legation.yaml"
TLS: Final = "/etc/legation-tls"
"""Where the settings file and the certificates are, in a pod."""

EVERYWHERE: Final = "0.0.0.0"  # noqa: S104  what is in a pod is reached from other pods
XDS_PORT: Final = 18000
ADMIN_PORT: Final = 19000
APART: Final = {"gatewayapi": {"one_network": False}}
"""Settings of sources: each Gateway's proxies are pods of their own."""
AGE: Final = 1800
"""Seconds after which a proxy is asked to connect anew: so they spread over replicas that come later."""


def settings(plan: Plan) -> dict[str, Any]:
    """The settings file as data. What is served has private keys in it, so proxies must show a certificate."""
    scope = {"namespaces": list(plan.namespaces)} if plan.namespaces else {}
    files = {"certificate": f"{TLS}/tls.crt", "key": f"{TLS}/tls.key", "client_ca": f"{TLS}/ca.crt"}
    return {
        "xds": {"address": EVERYWHERE, "port": XDS_PORT, "max_connection_age_seconds": AGE, "tls": files},
        "admin": {"address": EVERYWHERE, "port": ADMIN_PORT},
        "log": {"format": "json"},
        "providers": {"kubernetes": {**scope, "lease": {"name": plan.name}}},
        "sources": {name: dict(APART.get(name, {})) for name in plan.sources},
        "runner": "none",
    }
