"""What is wrong with an HTTPRoute, in words and with the path of the field."""

from __future__ import annotations

from typing import Any

import pytest

from sources.gatewayapi.schema import check, decode
from sources.gatewayapi.schema.duration import milliseconds
from sources.gatewayapi.schema.regex import complaint
from xds.model import ConfigError, Object

SERVICE = {"name": "echo", "port": 80}
KIND = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "route"}}


def checked(spec: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(field, message, hint) of everything that is wrong."""
    return [(one.field, one.message, one.hint) for one in check(Object.of({**KIND, "spec": spec}))]


def match(**fields: Any) -> dict[str, Any]:
    return {"rules": [{"matches": [fields], "backendRefs": [SERVICE]}]}


def at_path(of_type: str, value: Any) -> dict[str, Any]:
    return match(path={"type": of_type, "value": value})


def with_filters(*filters: dict[str, Any], **rule: Any) -> dict[str, Any]:
    return {"rules": [{"filters": list(filters), **rule}]}


def on_backend(*filters: dict[str, Any]) -> dict[str, Any]:
    return {"rules": [{"backendRefs": [{**SERVICE, "filters": list(filters)}]}]}


def modifier(**fields: Any) -> dict[str, Any]:
    return {"type": "RequestHeaderModifier", "requestHeaderModifier": fields}


def rewrite(**path: Any) -> dict[str, Any]:
    return {"type": "URLRewrite", "urlRewrite": {"path": path}}


def mirror(**fields: Any) -> dict[str, Any]:
    return {"type": "RequestMirror", "requestMirror": {"backendRef": SERVICE, **fields}}


def cors(**fields: Any) -> dict[str, Any]:
    return with_filters({"type": "CORS", "cors": fields})


REDIRECT = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https"}}
AWAY = {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}
GOOD: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a null is an absent field": {"hostnames": None, "rules": [{"filters": None, "backendRefs": [SERVICE]}]},
    "a wildcard": {"hostnames": ["*.example.com", "example.com", "localhost", "1.example"]},
    "a plain path": at_path("PathPrefix", "/a/b.c/~d/%20!$&'()*+,;=:@"),
    "dots that are no steps": at_path("Exact", "/.well-known/..x/..."),
    "any start of an expression": at_path("RegularExpression", ".*"),
    "names that differ in case": match(headers=[{"name": "A", "value": "1"}, {"name": "a", "value": "2"}]),
    "a prefix replaced under the default match": with_filters(rewrite(**AWAY), backendRefs=[SERVICE]),
    "a prefix replaced under an empty list": with_filters(rewrite(**AWAY), matches=[]),
    "several mirrors": with_filters(mirror(percent=0), mirror(fraction={"numerator": 1, "denominator": 3})),
    "an unknown filter": with_filters({"type": "Teleport"}),
    "an extension": with_filters({"type": "ExtensionRef", "extensionRef": {"group": "x", "kind": "Y", "name": "z"}}),
    "redirect and rewrite": with_filters(REDIRECT, rewrite(type="ReplaceFullPath", replaceFullPath="/")),
    "no limit on the whole": {"rules": [{"timeouts": {"request": "0s", "backendRequest": "5s"}}]},
    "a Backend without a port": {
        "rules": [{"backendRefs": [{"group": "gateway.envoyproxy.io", "kind": "Backend", "name": "b"}]}]
    },
    "sections of one parent": {"parentRefs": [{"name": "g", "sectionName": "a"}, {"name": "g", "sectionName": "b"}]},
    "one name in two namespaces": {"parentRefs": [{"name": "g", "namespace": "a"}, {"name": "g", "namespace": "b"}]},
    "what is experimental": {
        "useDefaultGateways": "All",
        "rules": [
            {
                "retry": {"codes": [500], "attempts": 0, "backoff": "1s"},
                "sessionPersistence": {"sessionName": "s", "cookieConfig": {"lifetimeType": "Permanent"}},
                "filters": [
                    {"type": "CORS", "cors": {"allowOrigins": ["https://*.example.com"], "allowCredentials": True}},
                    {
                        "type": "ExternalAuth",
                        "externalAuth": {"protocol": "HTTP", "backendRef": SERVICE, "http": {"path": "/a"}},
                    },
                ],
            }
        ],
    },
}


@pytest.mark.parametrize("spec", GOOD.values(), ids=GOOD)
def test_a_good_route_has_no_diagnostics(spec):
    assert checked(spec) == []


HOSTNAME = "must be a hostname such as example.com or *.example.com, not "
BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    # types
    "unknown field": ({"hostname": "a.example"}, "hostname", "is no known field"),
    "unknown field inside": ({"rules": [{"backendRef": []}]}, "rules[0].backendRef", "is no known field"),
    "no list": ({"hostnames": "a.example"}, "hostnames", 'must be a list, not "a.example"'),
    "no object": ({"rules": ["x"]}, "rules[0]", 'must be an object with fields, not "x"'),
    "no number": (match(path={"value": 1}), "rules[0].matches[0].path.value", "must be text, not 1"),
    "missing name": ({"rules": [{"backendRefs": [{"port": 80}]}]}, "rules[0].backendRefs[0].name", "is missing"),
    "port": (
        {"rules": [{"backendRefs": [{"name": "a", "port": 70000}]}]},
        "rules[0].backendRefs[0].port",
        "must be between 1 and 65535, not 70000",
    ),
    "weight": (
        {"rules": [{"backendRefs": [{**SERVICE, "weight": -1}]}]},
        "rules[0].backendRefs[0].weight",
        "must be between 0 and 1000000, not -1",
    ),
    "scheme in a hostname": ({"hostnames": ["https://a.example"]}, "hostnames[0]", f'{HOSTNAME}"https://a.example"'),
    "port in a hostname": ({"hostnames": ["a.example:80"]}, "hostnames[0]", f'{HOSTNAME}"a.example:80"'),
    "address as a hostname": ({"hostnames": ["10.0.0.1"]}, "hostnames[0]", f'{HOSTNAME}"10.0.0.1"'),
    "star in the middle": ({"hostnames": ["a.*.example"]}, "hostnames[0]", f'{HOSTNAME}"a.*.example"'),
    "star alone": ({"hostnames": ["*"]}, "hostnames[0]", f'{HOSTNAME}"*"'),
    "two lines": ({"hostnames": ["a.example\n"]}, "hostnames[0]", f'{HOSTNAME}"a.example\\n"'),
    "method": (
        match(method="FETCH"),
        "rules[0].matches[0].method",
        'must be CONNECT, DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT or TRACE, not "FETCH"',
    ),
    "path type": (
        at_path("Glob", "/"),
        "rules[0].matches[0].path.type",
        'must be Exact, PathPrefix or RegularExpression, not "Glob"',
    ),
    "header name": (
        match(headers=[{"name": "a b", "value": "1"}]),
        "rules[0].matches[0].headers[0].name",
        'must be an HTTP header or parameter name, such as X-Version, not "a b"',
    ),
    "empty header value": (
        match(headers=[{"name": "a", "value": ""}]),
        "rules[0].matches[0].headers[0].value",
        "must not be empty",
    ),
    "two lines in a header": (
        with_filters(modifier(set=[{"name": "a", "value": "b\r\nc: d"}])),
        "rules[0].filters[0].requestHeaderModifier.set[0].value",
        'must be one line of text, not "b\\r\\nc: d"',
    ),
    "half a character": (
        match(headers=[{"name": "a", "value": "\ud800"}]),
        "rules[0].matches[0].headers[0].value",
        'must be one line of text, not "\\ud800"',
    ),
    "more than Envoy can count": (
        {"rules": [{"retry": {"attempts": 2**31}}]},
        "rules[0].retry.attempts",
        "must be between 0 and 2147483647, not 2147483648",
    ),
    "long path": (
        at_path("Exact", "/" + 1024 * "x"),
        "rules[0].matches[0].path.value",
        "must be at most 1024 characters long, not 1025",
    ),
    "too many hostnames": ({"hostnames": ["a.example"] * 17}, "hostnames", "must have at most 16 entries, not 17"),
    "duration": (
        {"rules": [{"timeouts": {"request": "5"}}]},
        "rules[0].timeouts.request",
        'must be a duration such as 10s, 500ms or 1h30m, not "5"',
    ),
    "status code": (
        with_filters({"type": "RequestRedirect", "requestRedirect": {"statusCode": 200}}),
        "rules[0].filters[0].requestRedirect.statusCode",
        "must be 301, 302, 303, 307 or 308, not 200",
    ),
    "wildcard in a redirect": (
        with_filters({"type": "RequestRedirect", "requestRedirect": {"hostname": "*.a.example"}}),
        "rules[0].filters[0].requestRedirect.hostname",
        'must be a hostname such as example.com, without a wildcard, not "*.a.example"',
    ),
    # paths and expressions
    "relative path": (at_path("PathPrefix", "a"), "rules[0].matches[0].path.value", "must start with /, not 'a'"),
    "empty path": (at_path("Exact", ""), "rules[0].matches[0].path.value", "must start with /, not ''"),
    **{
        f"{value} in a path": (
            at_path("Exact", value),
            "rules[0].matches[0].path.value",
            f"must not contain {part}: a request's path never does once it is normalized",
        )
        for value, part in (
            ("/a//b", "//"),
            ("/a/./b", "/."),
            ("/a/../b", "/.."),
            ("/a/.", "/."),
            ("/a/..", "/.."),
            ("/a%2fb", "%2f"),
            ("/a%2Fb", "%2F"),
        )
    },
    **{
        f"{value} as a path": (
            at_path("PathPrefix", value),
            "rules[0].matches[0].path.value",
            f"must be a path without query, fragment and blanks, not {value!r}",
        )
        for value in ("/a#b", "/a?b", "/a b", "/ä", "/%zz")
    },
    "path expression": (
        at_path("RegularExpression", "/(a"),
        "rules[0].matches[0].path.value",
        "is no valid regular expression: missing ): /(a",
    ),
    "header expression": (
        match(headers=[{"name": "a", "type": "RegularExpression", "value": "(?=b)"}]),
        "rules[0].matches[0].headers[0].value",
        "is no valid regular expression: invalid perl operator: (?=",
    ),
    "parameter expression": (
        match(queryParams=[{"name": "a", "type": "RegularExpression", "value": "x{97}"}]),
        "rules[0].matches[0].queryParams[0].value",
        "is too large a regular expression: 101 instructions, Envoy takes 100",
    ),
    # what is given twice, or too often
    "header twice": (
        match(headers=[{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]),
        "rules[0].matches[0].headers[1].name",
        "is 'a', as an earlier one is",
    ),
    "parameter twice": (
        match(queryParams=[{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]),
        "rules[0].matches[0].queryParams[1].name",
        "is 'a', as an earlier one is",
    ),
    "header set twice": (
        with_filters(modifier(set=[{"name": "a", "value": "1"}, {"name": "a", "value": "2"}])),
        "rules[0].filters[0].requestHeaderModifier.set[1].name",
        "is 'a', as an earlier one is",
    ),
    "header removed twice": (
        with_filters(modifier(remove=["a", "a"])),
        "rules[0].filters[0].requestHeaderModifier.remove[1]",
        "is 'a', as an earlier one is",
    ),
    "rule name twice": ({"rules": [{"name": "a"}, {"name": "a"}]}, "rules[1].name", "is 'a', as an earlier rule's is"),
    "filter twice": (
        with_filters(REDIRECT, REDIRECT),
        "rules[0].filters[1].type",
        "is RequestRedirect, as an earlier filter's is: it may be given once",
    ),
    "filter twice on a backend": (
        on_backend(modifier(remove=["a"]), modifier(remove=["b"])),
        "rules[0].backendRefs[0].filters[1].type",
        "is RequestHeaderModifier, as an earlier filter's is: it may be given once",
    ),
    "matches": (
        {"rules": [{"matches": [{"path": {"value": f"/{index}"}} for index in range(43)]}] * 3},
        "rules",
        "must have at most 128 matches together, not 129",
    ),
    "parent twice": (
        {"parentRefs": [{"name": "g", "port": 80}, {"name": "g", "port": 80}]},
        "parentRefs[1]",
        "is the same as an earlier one",
    ),
    "parent as a whole and in part": (
        {"parentRefs": [{"name": "g"}, {"name": "g", "sectionName": "a"}]},
        "parentRefs[0]",
        "must have a sectionName or a port: Gateway g is named more than once",
    ),
    # filters
    "filter without its description": (
        with_filters({"type": "URLRewrite"}),
        "rules[0].filters[0].urlRewrite",
        "is missing: the filter's type is URLRewrite",
    ),
    "filter with another's description": (
        with_filters({**REDIRECT, "urlRewrite": {}}),
        "rules[0].filters[0].urlRewrite",
        "must be absent: the filter's type is RequestRedirect",
    ),
    "path modifier without its value": (
        with_filters(rewrite(type="ReplaceFullPath")),
        "rules[0].filters[0].urlRewrite.path.replaceFullPath",
        "is missing: the type is ReplaceFullPath",
    ),
    "path modifier with another's value": (
        with_filters(rewrite(type="ReplaceFullPath", replaceFullPath="/", replacePrefixMatch="/")),
        "rules[0].filters[0].urlRewrite.path.replacePrefixMatch",
        "must be absent: the type is ReplaceFullPath",
    ),
    "prefix replaced under two matches": (
        with_filters(rewrite(**AWAY), matches=[{}, {"path": {"value": "/a"}}]),
        "rules[0].filters[0].urlRewrite.path.replacePrefixMatch",
        "needs a rule with exactly one match, of type PathPrefix",
    ),
    "prefix replaced under an exact match": (
        with_filters(
            {"type": "RequestRedirect", "requestRedirect": {"path": AWAY}},
            matches=[{"path": {"type": "Exact", "value": "/a"}}],
        ),
        "rules[0].filters[0].requestRedirect.path.replacePrefixMatch",
        "needs a rule with exactly one match, of type PathPrefix",
    ),
    "prefix replaced on a backend": (
        {"rules": [{"matches": [{}, {}], "backendRefs": [{**SERVICE, "filters": [rewrite(**AWAY)]}]}]},
        "rules[0].backendRefs[0].filters[0].urlRewrite.path.replacePrefixMatch",
        "needs a rule with exactly one match, of type PathPrefix",
    ),
    "redirect and backend": (
        with_filters(REDIRECT, backendRefs=[SERVICE]),
        "rules[0].backendRefs",
        "must be absent: a rule that redirects sends nothing to a backend",
    ),
    "mirror twice measured": (
        with_filters(mirror(percent=1, fraction={"numerator": 1})),
        "rules[0].filters[0].requestMirror",
        "must have percent or fraction, not both",
    ),
    "mirror of more than all": (
        with_filters(mirror(fraction={"numerator": 101})),
        "rules[0].filters[0].requestMirror.fraction",
        "must not be more than the whole: the numerator exceeds the denominator",
    ),
    "an origin with a path": (
        cors(allowOrigins=["https://a.example", "https://a.example/b"]),
        "rules[0].filters[0].cors.allowOrigins[1]",
        'must be an origin such as https://example.com, https://*.example.com:8443, or * for all, not "https://a.example/b"',
    ),
    "an origin inside a wildcard": (
        cors(allowOrigins=["https://a.*.example"]),
        "rules[0].filters[0].cors.allowOrigins[0]",
        'must be an origin such as https://example.com, https://*.example.com:8443, or * for all, not "https://a.*.example"',
    ),
    "all methods and one": (
        cors(allowMethods=["*", "GET"]),
        "rules[0].filters[0].cors.allowMethods",
        "must have * alone or not at all: it stands for everything",
    ),
    "a header exposed twice": (
        cors(exposeHeaders=["X-A", "X-A"]),
        "rules[0].filters[0].cors.exposeHeaders[1]",
        "is 'X-A', as an earlier one is",
    ),
    "mirror to no port": (
        with_filters(mirror(backendRef={"name": "a"})),
        "rules[0].filters[0].requestMirror.backendRef.port",
        "is missing: a Service needs it",
    ),
    # backends and limits
    "Service without a port": (
        {"rules": [{"backendRefs": [{"name": "a"}]}]},
        "rules[0].backendRefs[0].port",
        "is missing: a Service needs it",
    ),
    "attempt longer than the whole": (
        {"rules": [{"timeouts": {"request": "1s", "backendRequest": "1500ms"}}]},
        "rules[0].timeouts.backendRequest",
        "must not be longer than the request timeout, 1s, not 1500ms",
    ),
}


@pytest.mark.parametrize(("spec", "field", "message"), BAD.values(), ids=BAD)
def test_a_bad_route_is_told_where_and_why(spec, field, message):
    assert [one[:2] for one in checked(spec)] == [(f"spec.{field}", message)]


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        ({"hostname": []}, "did you mean hostnames?"),
        ({"zzz": []}, "known here: parentRefs, hostnames, rules, useDefaultGateways"),
        ({"hostnames": ["https://a.example"]}, "write only the name, without the scheme"),
        ({"hostnames": ["a.example/x"]}, "write only the name; paths belong into the matches of a route"),
        ({"hostnames": ["a.example:80"]}, "write only the name, without the port"),
        ({"hostnames": ["10.0.0.1"]}, "an IP address is no hostname"),
        ({"hostnames": ["*"]}, "leave the hostname out to mean every name"),
        ({"hostnames": ["a.*.example"]}, "a wildcard stands alone in front: *.example.com"),
        ({"hostnames": ["A.example"]}, "write it in lower case"),
        ({"hostnames": [1]}, "write it in quotes"),
        ({"rules": [{"backendRefs": [{"name": "a", "port": "80"}]}]}, "write it without quotes"),
    ],
)
def test_a_common_mistake_is_told_what_to_do(spec, hint):
    assert [one[2] for one in checked(spec)] == [hint]


def test_all_mistakes_are_told_at_once():
    spec = {"hostnames": ["*", "A"], "rules": [{"backendRefs": [{"port": 0}]}], "more": 1}
    fields = ["spec.more", "spec.hostnames[0]", "spec.hostnames[1]"]
    fields += ["spec.rules[0].backendRefs[0].name", "spec.rules[0].backendRefs[0].port"]
    assert [one[0] for one in checked(spec)] == fields


def test_the_defaults_of_the_api_are_filled_in():
    route = decode(Object.of({**KIND, "spec": {"parentRefs": [{"name": "g"}], "rules": [{"backendRefs": [SERVICE]}]}}))
    (rule,) = route.spec.rules
    (parent,) = route.spec.parent_refs
    assert (parent.group, parent.kind) == ("gateway.networking.k8s.io", "Gateway")
    assert [(one.path.type, one.path.value) for one in rule.matches] == [("PathPrefix", "/")]
    assert [(one.group, one.kind, one.weight) for one in rule.backend_refs] == [("", "Service", 1)]


def test_decoding_a_bad_document_raises_the_first_mistake():
    with pytest.raises(ConfigError, match=r"spec\.hostnames\[0\] must be a hostname"):
        decode(Object.of({**KIND, "spec": {"hostnames": ["*"], "rules": 1}}))


@pytest.mark.parametrize(
    ("text", "expected"), [("0s", 0), ("10s", 10_000), ("500ms", 500), ("1h30m", 5_400_000), ("1m1s1ms", 61_001)]
)
def test_a_duration_is_the_sum_of_its_parts(text, expected):
    assert milliseconds(text) == expected


def test_an_expression_is_judged_in_the_words_of_re2():
    assert complaint("a+") == ""
    assert complaint("[z-a]") == "is no valid regular expression: invalid character class range: z-a"
