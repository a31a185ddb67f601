"""Envoys on this host: one process for each node group, kept alive, drained before it ends."""

from providers.host.listen import taken
from providers.host.runner import HostRunner
from providers.host.settings import Settings
from providers.host.state import Phase, State

__all__ = ["HostRunner", "Phase", "Settings", "State", "taken"]
