"""Access: the objects that let the control plane do what its rules say, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from providers.install import rules
from providers.install.plan import Document, Plan
from providers.install.rules import NAMESPACE, Rule
from providers.install.sources import Needs

GROUP: Final = "rbac.authorization.k8s.io"
VERSION: Final = f"{GROUP}/v1"


def access(plan: Plan, needs: Needs) -> Iterator[Document]:
    """Reading and reporting, everywhere or in the namespaces of the plan; and the Lease, in its own."""
    if not plan.namespaces:
        yield from _cluster_role(plan, rules.reading(needs, needs.read))
    else:
        yield from _in_namespaces(plan, needs)
    yield from _role(plan, f"{plan.name}-lease", plan.namespace, rules.leading(plan.name))


def _in_namespaces(plan: Plan, needs: Needs) -> Iterator[Document]:
    """What is in no namespace is read everywhere, of the namespaces only those."""
    nowhere, somewhere = rules.apart(needs.read)
    own = [rules.of_names(plan.namespaces)] if NAMESPACE in nowhere else []
    yield from _cluster_role(plan, [*rules.reading(needs, nowhere - {NAMESPACE}), *own])
    for namespace in plan.namespaces:
        yield from _role(plan, plan.name, namespace, rules.reading(needs, somewhere))


def _cluster_role(plan: Plan, granted: list[Rule]) -> Iterator[Document]:
    yield plan.named(plan.name, VERSION, "ClusterRole", rules=granted)
    yield plan.named(plan.name, VERSION, "ClusterRoleBinding", **_bound(plan, "ClusterRole", plan.name))


def _role(plan: Plan, name: str, namespace: str, granted: list[Rule]) -> Iterator[Document]:
    yield plan.named(name, VERSION, "Role", namespace, rules=granted)
    yield plan.named(name, VERSION, "RoleBinding", namespace, **_bound(plan, "Role", name))


def _bound(plan: Plan, kind: str, role: str) -> Document:
    """A binding's reference to a role, and to who has it."""
    account = {"kind": "ServiceAccount", "name": plan.name, "namespace": plan.namespace}
    return {"roleRef": {"apiGroup": GROUP, "kind": kind, "name": role}, "subjects": [account]}
