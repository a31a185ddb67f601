"""What a Kubernetes cluster needs so that Legation can run in it, as the objects that `kubectl apply` takes."""

from providers.install.installation import documents
from providers.install.plan import Plan

__all__ = ["Plan", "documents"]
