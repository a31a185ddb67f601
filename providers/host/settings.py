"""The settings of the host runner."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

LogLevel = Literal["trace", "debug", "info", "warning", "error", "critical", "off"]


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """How Envoys run on this host.

    `envoy_path` is the program to start; without it the one installed with Legation, or else the one in PATH.
    `concurrency` is the number of worker threads of each Envoy; without it as many as the host has.
    `drain_seconds` is how long connections may go on after their Envoy, or the listener they came by, is to end.
    `dialect` is the form of xDS that the Envoys speak. With `load_reports` they report their load, which the control
    plane's settings must ask for, too.
    """

    envoy_path: str | None = None
    log_level: LogLevel = "warning"
    concurrency: Annotated[int, Meta(ge=1)] | None = None
    drain_seconds: Annotated[float, Meta(ge=0, le=86_400)] = 5.0
    dialect: Literal["delta", "sotw"] = "delta"
    load_reports: bool = False
