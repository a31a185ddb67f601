"""Scalars: the words and numbers that Gateway API documents are made of, each with its constraint and what to say of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final

from msgspec import Meta

_LABEL: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"{_LABEL}(\.{_LABEL})*"
_NO_IP: Final = r"(?!\d+\.\d+\.\d+\.\d+\Z)"

LABEL: Final = rf"^{_LABEL}\Z"
NAME: Final = rf"^{_SUBDOMAIN}\Z"
OPTIONAL_NAME: Final = rf"^({_SUBDOMAIN})?\Z"
HOSTNAME: Final = rf"^{_NO_IP}(\*\.)?{_SUBDOMAIN}\Z"
PRECISE_HOSTNAME: Final = rf"^{_NO_IP}{_SUBDOMAIN}\Z"
KIND: Final = r"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?\Z"
CONTROLLER: Final = rf"^{_SUBDOMAIN}/[A-Za-z0-9/\-._~%!$&'()*+,;=:]+\Z"
PROTOCOL: Final = rf"^([a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?|{_SUBDOMAIN}/[A-Za-z0-9]+)\Z"
HEADER_NAME: Final = r"^[A-Za-z0-9!#$%&'*+\-.^_`|~]+\Z"
ONE_LINE: Final = r"^[^\x00\r\n\ud800-\udfff]*\Z"
ORIGIN: Final = r"^(\*|https?://([-a-zA-Z0-9.]+|\*(\.[-a-zA-Z0-9.]+)?)(:[0-9]{1,5})?)\Z"
DURATION: Final = r"^([0-9]{1,5}(h|m|s|ms)){1,4}\Z"

MEANT: Final[Mapping[str, str]] = MappingProxyType(
    {
        LABEL: "must be a DNS label (a-z, 0-9 and -)",
        NAME: "must be a DNS name (a-z, 0-9, - and .)",
        OPTIONAL_NAME: "must be an API group such as gateway.networking.k8s.io, or empty for the core group",
        HOSTNAME: "must be a hostname such as example.com or *.example.com",
        PRECISE_HOSTNAME: "must be a hostname such as example.com, without a wildcard",
        KIND: "must be the name of a kind, such as Service",
        CONTROLLER: "must be a domain and a path, such as example.com/controller",
        PROTOCOL: "must be a protocol such as HTTP or HTTPS",
        HEADER_NAME: "must be an HTTP header or parameter name, such as X-Version",
        ONE_LINE: "must be one line of text",
        ORIGIN: "must be an origin such as https://example.com, https://*.example.com:8443, or * for all",
        DURATION: "must be a duration such as 10s, 500ms or 1h30m",
    },
)
"""Pattern -> what a person is told when a value does not match it."""

Label = Annotated[str, Meta(min_length=1, max_length=63, pattern=LABEL)]
Name = Annotated[str, Meta(min_length=1, max_length=253, pattern=NAME)]
Group = Annotated[str, Meta(max_length=253, pattern=OPTIONAL_NAME)]
KindName = Annotated[str, Meta(min_length=1, max_length=63, pattern=KIND)]
Hostname = Annotated[str, Meta(min_length=1, max_length=253, pattern=HOSTNAME)]
PreciseHostname = Annotated[str, Meta(min_length=1, max_length=253, pattern=PRECISE_HOSTNAME)]
ControllerName = Annotated[str, Meta(min_length=1, max_length=253, pattern=CONTROLLER)]
Protocol = Annotated[str, Meta(min_length=1, max_length=255, pattern=PROTOCOL)]
HeaderName = Annotated[str, Meta(min_length=1, max_length=256, pattern=HEADER_NAME)]
HeaderValue = Annotated[str, Meta(min_length=1, max_length=4096, pattern=ONE_LINE)]
QueryValue = Annotated[str, Meta(min_length=1, max_length=1024, pattern=ONE_LINE)]
PathValue = Annotated[str, Meta(max_length=1024, pattern=ONE_LINE)]
Origin = Annotated[str, Meta(min_length=1, max_length=253, pattern=ORIGIN)]
Duration = Annotated[str, Meta(pattern=DURATION)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Positive = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Weight = Annotated[int, Meta(ge=0, le=1_000_000)]
