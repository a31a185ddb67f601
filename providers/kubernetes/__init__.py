"""Objects out of a Kubernetes cluster, followed as they change."""

from providers.kubernetes.provider import KubernetesProvider
from providers.kubernetes.settings import Lease, Settings

__all__ = ["KubernetesProvider", "Lease", "Settings"]
