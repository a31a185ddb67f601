"""Plug-ins: classes found by entry point, ours and a stranger's alike, each with the settings it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, Generic, TypeVar, cast

import msgspec

from xds.model import (
    Authenticator,
    ConfigError,
    Grouping,
    Hook,
    LegationError,
    LoadSink,
    OnDemand,
    Provider,
    ProxyRunner,
    Source,
)

PROVIDERS: Final = "legation.providers"
SOURCES: Final = "legation.sources"
HOOKS: Final = "legation.hooks"
ON_DEMAND: Final = "legation.on_demand"
RUNNERS: Final = "legation.runners"
NODES: Final = "legation.nodes"
AUTHENTICATORS: Final = "legation.authenticators"
LOAD_SINKS: Final = "legation.load_sinks"

ROLES: Final[Mapping[str, tuple[str, type]]] = {
    PROVIDERS: ("provider", Provider),
    SOURCES: ("source", Source),
    HOOKS: ("hook", Hook),
    ON_DEMAND: ("on-demand hook", OnDemand),
    RUNNERS: ("runner", ProxyRunner),
    NODES: ("grouping", Grouping),
    AUTHENTICATORS: ("authenticator", Authenticator),
    LOAD_SINKS: ("load sink", LoadSink),
}
"""Entry point group -> what a plug-in of it is called, and the interface that it must have."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plugin(Generic[T]):
    """One plug-in as the settings ask for it: its class, and its own settings (None where it takes none)."""

    group: str
    name: str
    factory: type
    settings: msgspec.Struct | None = None

    def make(self) -> T:
        """A new instance. Raises ConfigError when its constructor raises anything, or it lacks its role's interface."""
        role, interface = ROLES[self.group]
        made = self._made(role)
        if not isinstance(made, interface):
            raise ConfigError(
                f"the {role} {self.name!r} is no {interface.__name__}: it lacks {', '.join(_lacking(made, interface))}",
                hint=f"see xds.model.{interface.__name__}; it is {self.factory.__module__}.{self.factory.__qualname__}",
            )
        return cast("T", made)

    def _made(self, role: str) -> object:
        try:
            return self.factory() if self.settings is None else self.factory(self.settings)
        except LegationError:
            raise
        except Exception as error:
            raise ConfigError(
                f"the {role} {self.name!r} cannot be made: {type(error).__name__}: {error}",
                hint=f"it is {self.factory.__module__}.{self.factory.__qualname__}",
            ) from error


def load(group: str, name: str) -> type:
    """The class of the plug-in with this name in this entry point group.

    Raises ConfigError when none is installed, when two packages offer it, and when it cannot be imported.
    """
    found = [point for point in entry_points(group=group) if point.name == name]
    if not found:
        raise _unknown(group, name)
    if len(found) > 1:
        packages = " and ".join(sorted(map(_package, found)))
        raise ConfigError(f"the {_role(group)} {name!r} is offered by {packages}", hint="uninstall one of them")
    return _imported(found[0])


def settings_of(factory: type) -> type[msgspec.Struct] | None:
    """The Struct that a plug-in's section is decoded into; None for a plug-in that takes no settings."""
    return getattr(factory, "Settings", None)


def _imported(point: EntryPoint) -> type:
    try:
        loaded: Any = point.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"the {_role(point.group)} {point.name!r} cannot be loaded from {point.value}: {error}",
            hint=f"it comes with the package {_package(point)}; is that complete?",
        ) from error
    except Exception as error:
        raise ConfigError(
            f"the {_role(point.group)} {point.name!r} cannot be loaded from {point.value}: {type(error).__name__}: {error}",
            hint=f"importing it fails; it comes with the package {_package(point)}",
        ) from error
    if not isinstance(loaded, type):
        raise ConfigError(
            f"the {_role(point.group)} {point.name!r} is no class, but {loaded!r}",
            hint=f"the package {_package(point)} must name a class at {point.value}",
        )
    return loaded


def _unknown(group: str, name: str) -> ConfigError:
    installed = sorted({point.name for point in entry_points(group=group)})
    close = get_close_matches(name, installed, n=1)
    listed = f"installed: {', '.join(installed)}" if installed else f"nothing is installed for {group}"
    return ConfigError(
        f"there is no {_role(group)} {name!r}",
        hint=f"did you mean {close[0]}? {listed}" if close else listed,
    )


def _role(group: str) -> str:
    return ROLES[group][0]


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "(unknown)"


def _lacking(made: object, interface: type) -> list[str]:
    wanted = {name for name in vars(interface) if not name.startswith("_")} | set(interface.__annotations__)
    return sorted(name for name in wanted if not hasattr(made, name))
