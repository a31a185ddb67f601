"""The installation: all objects of a plan."""

from __future__ import annotations

from collections.abc import Iterator

from providers.install import workload
from providers.install.access import access
from providers.install.plan import Document, Plan
from providers.install.sources import needs


def documents(plan: Plan) -> Iterator[Document]:
    """Everything, in an order in which it can be created. Raises ConfigError when a source is not installed."""
    wanted = needs(plan.sources)
    yield workload.namespace(plan)
    yield from map(dict, wanted.definitions)
    yield workload.service_account(plan)
    yield from access(plan, wanted)
    yield workload.config_map(plan)
    yield workload.deployment(plan)
    yield workload.disruption_budget(plan)
    yield workload.service(plan)
    yield workload.gateway_class(plan)
