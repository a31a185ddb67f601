"""Settings: one YAML file, flags over it, and each plug-in's own section decoded by the plug-in's own Struct."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec

from xds.codec import document, section
from xds.control import plugin
from xds.control.fault import Consistency
from xds.control.plugin import Plugin
from xds.model import Authenticator, ConfigError, Grouping, Hook, LoadSink, OnDemand, Origin, Provider, ProxyRunner, Source
from xds.server.authority import DEFAULT, Rule
from xds.server.transport import Transport

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
T = TypeVar("T")

EXAMPLES: Final[Mapping[str, str]] = {plugin.RUNNERS: "host: {}, or write none", plugin.NODES: "cluster: {}"}
"""What may stand where one plug-in is to be named."""


class Xds(Transport, frozen=True, forbid_unknown_fields=True):
    """Where proxies reach the control plane, and on what terms. Port 0 takes any free one."""

    address: str = "127.0.0.1"
    port: Port = 18000


class Rest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where proxies that poll reach it over HTTP, with all that is served, secrets too. Port 0 takes any free one."""

    address: str = "127.0.0.1"
    port: Port = 18001


class Admin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where people and Prometheus reach it. Port 0 takes any free one."""

    address: str = "127.0.0.1"
    port: Port = 19000


class ReportsSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the xDS port tells of proxies (`client_status`, CSDS) and is told by them: with a `load_interval` they report how
    much traffic they had, every so many seconds, into the metrics and to the `load_sinks` (LRS).
    """

    client_status: bool = False
    load_interval: Annotated[float, msgspec.Meta(gt=0)] | None = None
    load_sinks: dict[str, Any] = {}


NO_REPORTS: Final = ReportsSection()


class Log(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said on standard error, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings file as written: the sections of plug-ins are still plain data."""

    xds: Xds = Xds()
    rest: Rest | None = None
    admin: Admin = Admin()
    log: Log = Log()
    access: Annotated[tuple[Rule, ...], msgspec.Meta(min_length=1)] = DEFAULT
    authenticators: dict[str, Any] = {}
    grouping: dict[str, Any] | None = None
    default_group: str = ""
    reports: ReportsSection = NO_REPORTS
    providers: dict[str, Any] = {}
    sources: dict[str, Any] = msgspec.field(default_factory=lambda: {"gatewayapi": {}, "envoy": {}})
    hooks: dict[str, Any] = {}
    on_demand: dict[str, Any] = {}
    consistency: Consistency = "error"
    runner: dict[str, Any] | Literal["none"] = msgspec.field(default_factory=lambda: {"host": {}})


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a control plane is made of. Hooks of both kinds and authenticators run in the order in which they are
    written.

    Without a `rest`, there is none; without a `grouping`, a node's cluster is its group. `default_group` is for nodes that
    have none; empty, they are refused.
    """

    xds: Xds
    admin: Admin
    log: Log
    providers: tuple[Plugin[Provider], ...]
    sources: tuple[Plugin[Source], ...]
    hooks: tuple[Plugin[Hook], ...] = ()
    on_demand: tuple[Plugin[OnDemand], ...] = ()
    consistency: Consistency = "error"
    runner: Plugin[ProxyRunner] | None = None
    rest: Rest | None = None
    access: tuple[Rule, ...] = DEFAULT
    authenticators: tuple[Plugin[Authenticator], ...] = ()
    grouping: Plugin[Grouping] | None = None
    default_group: str = ""
    reports: ReportsSection = NO_REPORTS
    load_sinks: tuple[Plugin[LoadSink], ...] = ()


def load(file: str | None = None, *, paths: tuple[str, ...] = (), flags: Mapping[str, Any] = NOTHING) -> Settings:
    """The settings of a file, with flags (nested like the file) over it.

    `paths` are read by the provider `file` in the place of every provider that the settings file names; that
    provider's other settings hold. Raises ConfigError with file, line and path for whatever is wrong.
    """
    origin, body = _read(file) if file is not None else (None, {})
    body = _over(_reading(body, paths) if paths else body, flags)
    try:
        return _settings(section.read(body, File))
    except ConfigError as error:
        if origin is None or error.origin is not None:
            raise
        where = document.locate(origin, error.field)
        raise ConfigError(error.message, field=error.field, origin=where, hint=error.hint) from error


def _read(file: str) -> tuple[Origin, dict[str, Any]]:
    """One file's text and data; an empty one has every default."""
    try:
        documents = list(document.split(Path(file).read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}", hint="it was given with --config") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8 text: {error.reason} at byte {error.start}") from error
    if len(documents) > 1:
        raise ConfigError(
            "a settings file is one document", origin=Origin(file, documents[1].line), hint="take out the '---'"
        )
    one = documents[0] if documents else document.Text("", 1)
    origin = Origin(file, one.line, one.text)
    body = document.parse(one, file) or {}
    if not isinstance(body, dict):
        raise ConfigError("the settings must be a mapping", origin=origin, hint="start with 'providers:'")
    return origin, body


def _reading(body: Mapping[str, Any], paths: tuple[str, ...]) -> dict[str, Any]:
    """The same settings with these paths as all that is read."""
    providers = body.get("providers")
    own = providers.get("file") if isinstance(providers, Mapping) else None
    return {**body, "providers": {"file": {**(own if isinstance(own, Mapping) else {}), "paths": list(paths)}}}


def _over(body: Mapping[str, Any], flags: Mapping[str, Any]) -> dict[str, Any]:
    """Flags laid over the file's data, mapping into mapping."""
    laid = dict(body)
    for name, value in flags.items():
        below = laid.get(name)
        deeper = isinstance(value, Mapping) and isinstance(below, Mapping)
        laid[name] = _over(below, value) if deeper else value  # type: ignore[arg-type]  # deeper says it is one
    return laid


def _settings(file: File) -> Settings:
    if file.xds.tls is not None and file.runner != "none":
        what = "does not go together with a runner, whose proxies connect without it"
        raise ConfigError(what, field="xds.tls", hint="write runner: none")
    if file.reports.load_sinks and file.reports.load_interval is None:
        raise ConfigError("is missing, and load_sinks would be told nothing", field="reports.load_interval", hint="write 10")
    if not file.sources:
        raise ConfigError("is empty", field="sources", hint="name at least one, for instance gatewayapi: {}")
    return Settings(
        xds=file.xds,
        admin=file.admin,
        log=file.log,
        providers=_plugins(plugin.PROVIDERS, file.providers, "providers"),
        sources=_plugins(plugin.SOURCES, file.sources, "sources"),
        hooks=_plugins(plugin.HOOKS, file.hooks, "hooks"),
        on_demand=_plugins(plugin.ON_DEMAND, file.on_demand, "on_demand"),
        consistency=file.consistency,
        runner=None if isinstance(file.runner, str) else _only(plugin.RUNNERS, file.runner, "runner"),
        rest=file.rest,
        access=file.access,
        authenticators=_plugins(plugin.AUTHENTICATORS, file.authenticators, "authenticators"),
        grouping=None if file.grouping is None else _only(plugin.NODES, file.grouping, "grouping"),
        default_group=file.default_group,
        reports=file.reports,
        load_sinks=_plugins(plugin.LOAD_SINKS, file.reports.load_sinks, "reports.load_sinks"),
    )


def _plugins(group: str, sections: Mapping[str, Any], at: str) -> tuple[Plugin[T], ...]:
    return tuple(_plugin(group, name, body, at) for name, body in sections.items())


def _only(group: str, sections: Mapping[str, Any], at: str) -> Plugin[T]:
    if len(sections) != 1:
        role, _ = plugin.ROLES[group]
        raise ConfigError(
            f"names {len(sections)} {role}s: {', '.join(sections)}" if sections else "is empty",
            field=at,
            hint=f"name one, for instance {EXAMPLES[group]}",
        )
    made: tuple[Plugin[T], ...] = _plugins(group, sections, at)
    return made[0]


def _plugin(group: str, name: str, body: object, at: str) -> Plugin[T]:
    field = f"{at}.{name}"
    try:
        factory = plugin.load(group, name)
    except ConfigError as error:
        raise ConfigError(f"cannot be used: {error.message}", field=field, hint=error.hint) from error
    struct = plugin.settings_of(factory)
    body = {} if body is None else body
    if struct is not None:
        return Plugin(group, name, factory, section.read(body, struct, field))
    if body != {}:
        raise ConfigError("takes no settings", field=field, hint=f"write {name}: {{}}")
    return Plugin(group, name, factory)
