"""What the filters of an HTTPRoute must fulfil beyond their types."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from sources.gatewayapi.schema.filter import CORS, HeaderModifier, HTTPRouteFilter, PathModifier, RequestMirror
from sources.gatewayapi.schema.flaw import Flaw, repeated
from sources.gatewayapi.schema.reference import BackendRef

FIELDS: Final = {
    "RequestHeaderModifier": ("request_header_modifier", "requestHeaderModifier"),
    "ResponseHeaderModifier": ("response_header_modifier", "responseHeaderModifier"),
    "RequestMirror": ("request_mirror", "requestMirror"),
    "RequestRedirect": ("request_redirect", "requestRedirect"),
    "URLRewrite": ("url_rewrite", "urlRewrite"),
    "CORS": ("cors", "cors"),
    "ExtensionRef": ("extension_ref", "extensionRef"),
    "ExternalAuth": ("external_auth", "externalAuth"),
}
"""Filter type -> the attribute that it is described in, and that attribute's name in a document."""

REPEATABLE: Final = frozenset({"RequestMirror", "ExtensionRef"})
PATH_FIELDS: Final = {"ReplaceFullPath": "replace_full_path", "ReplacePrefixMatch": "replace_prefix_match"}
CORS_LISTS: Final = {
    "allow_origins": "allowOrigins",
    "allow_methods": "allowMethods",
    "allow_headers": "allowHeaders",
    "expose_headers": "exposeHeaders",
}
NAMES: Final = {"replace_full_path": "replaceFullPath", "replace_prefix_match": "replacePrefixMatch"}


def filters_flaws(filters: Sequence[HTTPRouteFilter], path: str) -> Iterator[Flaw]:
    """The mistakes of a list of filters. Filters that exclude each other are none: the route's condition says so."""
    for index, one in enumerate(filters):
        yield from _filter(one, f"{path}[{index}]")
    for index, one in repeated(filters, lambda one: one.type):
        if one.type in FIELDS and one.type not in REPEATABLE:
            yield Flaw(f"{path}[{index}].type", f"is {one.type}, as an earlier filter's is: it may be given once")


def backend_flaws(ref: BackendRef, path: str) -> Iterator[Flaw]:
    """The mistakes of a reference to a backend."""
    if ref.port is None and (ref.group, ref.kind) == ("", "Service"):
        yield Flaw(f"{path}.port", "is missing: a Service needs it")


def _filter(one: HTTPRouteFilter, path: str) -> Iterator[Flaw]:
    for of_type, (attribute, name) in FIELDS.items():
        value = getattr(one, attribute)
        if (value is None) == (of_type == one.type):
            what = "is missing" if value is None else "must be absent"
            yield Flaw(f"{path}.{name}", f"{what}: the filter's type is {one.type}")
        elif value is not None and of_type in _DETAILS:
            yield from _DETAILS[of_type](value, f"{path}.{name}")


def _modifier(modifier: HeaderModifier, path: str) -> Iterator[Flaw]:
    for name in ("set", "add"):
        for index, header in repeated(getattr(modifier, name), lambda one: one.name):
            yield Flaw(f"{path}.{name}[{index}].name", f"is {header.name!r}, as an earlier one is")
    for index, removed in repeated(modifier.remove, lambda one: one):
        yield Flaw(f"{path}.remove[{index}]", f"is {removed!r}, as an earlier one is")


def _mirror(mirror: RequestMirror, path: str) -> Iterator[Flaw]:
    yield from backend_flaws(mirror.backend_ref, f"{path}.backendRef")
    if mirror.percent is not None and mirror.fraction is not None:
        yield Flaw(path, "must have percent or fraction, not both")
    if mirror.fraction is not None and mirror.fraction.numerator > mirror.fraction.denominator:
        yield Flaw(f"{path}.fraction", "must not be more than the whole: the numerator exceeds the denominator")


def _cors(cors: CORS, path: str) -> Iterator[Flaw]:
    for attribute, name in CORS_LISTS.items():
        values = getattr(cors, attribute)
        for index, value in repeated(values, lambda one: one):
            yield Flaw(f"{path}.{name}[{index}]", f"is {value!r}, as an earlier one is")
        if "*" in values and len(values) > 1 and attribute != "expose_headers":
            yield Flaw(f"{path}.{name}", "must have * alone or not at all: it stands for everything")


def _path(modifies: Any, path: str) -> Iterator[Flaw]:
    modifier: PathModifier | None = modifies.path
    if modifier is None:
        return
    wanted = PATH_FIELDS[modifier.type]
    for attribute, name in NAMES.items():
        value = getattr(modifier, attribute)
        if (value is None) == (attribute == wanted):
            what = "is missing" if value is None else "must be absent"
            yield Flaw(f"{path}.path.{name}", f"{what}: the type is {modifier.type}")


_DETAILS: Final[Mapping[str, Callable[[Any, str], Iterator[Flaw]]]] = {
    "RequestHeaderModifier": _modifier,
    "ResponseHeaderModifier": _modifier,
    "RequestMirror": _mirror,
    "RequestRedirect": _path,
    "URLRewrite": _path,
    "CORS": _cors,
    "ExternalAuth": lambda auth, path: backend_flaws(auth.backend_ref, f"{path}.backendRef"),
}
"""Filter type -> what its description must fulfil."""
