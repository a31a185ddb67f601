"""What a rule comes to: the entries of a virtual host, the clusters they name, and what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest

from sources.gatewayapi.destination import Destination
from sources.gatewayapi.filter import Entrance
from sources.gatewayapi.kind import HTTP_ROUTE
from sources.gatewayapi.problem import Problem
from sources.gatewayapi.rule import ROUTE, Rule, Site, translate
from xds.codec import message_class, to_json
from xds.model import Key
from xds.model.type_url import CDS

ONE, TWO, GONE = ({"name": name, "port": 80} for name in ("one", "two", "gone"))
MISSING = Problem(
    "ResolvedRefs",
    "BackendNotFound",
    "there is no gone; what is routed to it is answered 500",
    "spec.rules[3].backendRefs[1]",
)


def resolve(ref: Any) -> Destination:
    if ref.name == "gone":
        return Destination("service default/gone:80", "", "BackendNotFound", "there is no gone")
    return Destination(f"service default/{ref.name}:80", ref.name)


@pytest.fixture
def translated(rule_of):
    """Translates rule 3 of HTTPRoute shop/cart."""
    site = Site(Key(HTTP_ROUTE, "shop", "cart"), ("2026", "shop", "cart"), 3, Entrance(80, "http"))

    def of(rule: dict[str, Any], entrance: Entrance = site.entrance) -> Rule:
        return translate(rule_of(rule), Site(site.route, site.age, site.index, entrance), resolve)

    return of


@pytest.fixture
def routes(translated):
    """The Envoy Routes of a rule, as JSON."""

    def of(rule: dict[str, Any], *entrance: Entrance) -> list[dict[str, Any]]:
        entries = translated(rule, *entrance).entries
        return [to_json(message_class(ROUTE).FromString(entry.body)) for entry in entries]

    return of


def redirect(**fields: Any) -> dict[str, Any]:
    return {"filters": [{"type": "RequestRedirect", "requestRedirect": fields}]}


def test_an_entry_names_the_route_it_was_made_from(routes):
    (route,) = routes({"backendRefs": [ONE]})
    assert route == {
        "name": "httproute/shop/cart/rule/3/match/0",
        "match": {"prefix": "/"},
        "route": {"cluster": "one"},
    }


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({}, {"prefix": "/"}),
        ({"path": {"value": "/"}}, {"prefix": "/"}),
        ({"path": {"value": "/a"}}, {"path_separated_prefix": "/a"}),
        ({"path": {"value": "/a/"}}, {"path_separated_prefix": "/a"}),
        ({"path": {"type": "Exact", "value": "/a/"}}, {"path": "/a/"}),
        ({"path": {"type": "RegularExpression", "value": "/a.*"}}, {"safe_regex": {"regex": "/a.*"}}),
        ({"method": "PUT"}, {"prefix": "/", "headers": [{"name": ":method", "string_match": {"exact": "PUT"}}]}),
        (
            {"headers": [{"name": "A", "value": "1"}, {"name": "b", "type": "RegularExpression", "value": "2+"}]},
            {
                "prefix": "/",
                "headers": [
                    {"name": "A", "string_match": {"exact": "1"}},
                    {"name": "b", "string_match": {"safe_regex": {"regex": "2+"}}},
                ],
            },
        ),
        (
            {"headers": [{"name": "A", "value": "1"}, {"name": "a", "value": "2"}]},
            {"prefix": "/", "headers": [{"name": "A", "string_match": {"exact": "1"}}]},
        ),
        (
            {"queryParams": [{"name": "A", "value": "1"}, {"name": "a", "type": "RegularExpression", "value": "2+"}]},
            {
                "prefix": "/",
                "query_parameters": [
                    {"name": "A", "string_match": {"exact": "1"}},
                    {"name": "a", "string_match": {"safe_regex": {"regex": "2+"}}},
                ],
            },
        ),
    ],
)
def test_a_match_becomes_a_route_match(routes, match, expected):
    assert [route["match"] for route in routes({"matches": [match], "backendRefs": [ONE]})] == [expected]


def test_every_match_has_an_entry_of_its_own(routes):
    found = routes({"matches": [{"path": {"value": "/a"}}, {"method": "GET"}], "backendRefs": [ONE]})
    assert [route["name"][-7:] for route in found] == ["match/0", "match/1"]
    assert [route["route"] for route in found] == [{"cluster": "one"}] * 2


def test_an_empty_list_of_matches_means_every_request(routes):
    assert [route["match"] for route in routes({"matches": [], "backendRefs": [ONE]})] == [{"prefix": "/"}]


def test_a_prefix_that_goes_away_has_an_entry_for_itself_and_one_for_what_is_below(routes):
    modifier = {"type": "ReplacePrefixMatch", "replacePrefixMatch": ""}
    rule = {
        "matches": [{"path": {"value": "/a/b"}, "method": "GET"}],
        "filters": [{"type": "URLRewrite", "urlRewrite": {"path": modifier}}],
        "backendRefs": [ONE],
    }
    itself, below = routes(rule)
    headers = [{"name": ":method", "string_match": {"exact": "GET"}}]
    assert itself["match"] == {"path": "/a/b", "headers": headers}
    assert below["match"] == {"prefix": "/a/b/", "headers": headers}
    assert itself["route"] == below["route"] == {"cluster": "one", "prefix_rewrite": "/"}


WEIGHTED = "weighted_clusters"
ABSENT = {"cluster_not_found_response_code": "INTERNAL_SERVER_ERROR"}


@pytest.mark.parametrize(
    ("refs", "expected"),
    [
        ([ONE], {"cluster": "one"}),
        ([ONE, {**TWO, "weight": 0}], {"cluster": "one"}),
        (
            [{**ONE, "weight": 9}, TWO],
            {WEIGHTED: {"clusters": [{"name": "one", "weight": 9}, {"name": "two", "weight": 1}]}},
        ),
        (
            [ONE, {**GONE, "weight": 3}],
            {WEIGHTED: {"clusters": [{"name": "one", "weight": 1}, {"name": "invalid-backend", "weight": 3}]}, **ABSENT},
        ),
        ([ONE, {**GONE, "weight": 0}], {"cluster": "one"}),
    ],
)
def test_backends_become_clusters_with_weights(routes, refs, expected):
    assert [route["route"] for route in routes({"backendRefs": refs})] == [expected]


def test_a_backends_own_filters_change_its_share_only(routes):
    filters = [
        {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "a", "value": "1"}]}},
        {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"remove": ["b"]}},
        {"type": "URLRewrite", "urlRewrite": {"hostname": "in.example"}},
    ]
    (route,) = routes({"backendRefs": [{**ONE, "filters": filters}]})
    (share,) = route["route"][WEIGHTED]["clusters"]
    assert share == {
        "name": "one",
        "weight": 1,
        "request_headers_to_add": [
            {"header": {"key": "a", "value": "1"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"},
        ],
        "response_headers_to_remove": ["b"],
        "host_rewrite_literal": "in.example",
    }


@pytest.mark.parametrize(
    "refs",
    [[], [GONE], [{**ONE, "weight": 0}], [GONE, {**ONE, "weight": 0}]],
    ids=["none", "invalid", "no weight", "invalid beside no weight"],
)
def test_a_rule_without_a_backend_in_force_answers_500(routes, refs):
    (route,) = routes({"backendRefs": refs})
    assert route["direct_response"] == {"status": 500}
    assert "route" not in route


def test_only_existing_clusters_are_referred_to(translated):
    mirrors = [{"type": "RequestMirror", "requestMirror": {"backendRef": ref}} for ref in (TWO, GONE)]
    found = translated({"filters": mirrors, "backendRefs": [ONE, GONE]})
    assert found.references == {(CDS, "one"), (CDS, "two")}


def test_a_backend_that_does_not_resolve_is_told_once(translated):
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": GONE}}
    assert translated({"filters": [mirror], "backendRefs": [ONE, GONE, {**GONE, "weight": 0}]}).problems == (MISSING,)


def test_a_mirror_that_does_not_resolve_is_dropped(routes):
    rule = {"filters": [{"type": "RequestMirror", "requestMirror": {"backendRef": GONE}}], "backendRefs": [ONE]}
    assert routes(rule)[0]["route"] == {"cluster": "one"}


@pytest.mark.parametrize(
    ("share", "numerator"),
    [
        ({}, 1_000_000),
        ({"percent": 25}, 250_000),
        ({"percent": 0}, 0),
        ({"fraction": {"numerator": 1, "denominator": 3}}, 333_333),
        ({"fraction": {"numerator": 5}}, 50_000),
    ],
)
def test_a_mirror_copies_its_share(routes, share, numerator):
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": TWO, **share}}
    (policy,) = routes({"filters": [mirror], "backendRefs": [ONE]})[0]["route"]["request_mirror_policies"]
    assert policy["cluster"] == "two"
    assert policy["runtime_fraction"]["default_value"].get("numerator", 0) == numerator
    assert policy["runtime_fraction"]["default_value"]["denominator"] == "MILLION"


def test_header_modifiers_are_literal_and_names_have_no_case(routes):
    modifier = {
        "set": [{"name": "A", "value": "%START_TIME%"}, {"name": "a", "value": "late"}],
        "add": [{"name": "B", "value": "1"}],
        "remove": ["C"],
    }
    filters = [
        {"type": f"{side}HeaderModifier", f"{side.lower()}HeaderModifier": modifier} for side in ("Request", "Response")
    ]
    (route,) = routes({"filters": filters, "backendRefs": [ONE]})
    for side in ("request", "response"):
        assert route[f"{side}_headers_to_add"] == [
            {"header": {"key": "A", "value": "%%START_TIME%%"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"},
            {"header": {"key": "B", "value": "1"}},
        ]
        assert route[f"{side}_headers_to_remove"] == ["C"]


@pytest.mark.parametrize(
    ("rewrite", "expected"),
    [
        ({"hostname": "in.example"}, {"host_rewrite_literal": "in.example"}),
        (
            {"path": {"type": "ReplaceFullPath", "replaceFullPath": "all\\1"}},
            {"regex_rewrite": {"pattern": {"regex": "^/.*$"}, "substitution": "/all\\\\1"}},
        ),
        ({"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/new"}}, {"prefix_rewrite": "/new/"}),
    ],
)
def test_a_rewrite_changes_host_and_path(routes, rewrite, expected):
    (route,) = routes({"filters": [{"type": "URLRewrite", "urlRewrite": rewrite}], "backendRefs": [ONE]})
    assert route["route"] == {"cluster": "one", **expected}


LISTENERS = {"80": Entrance(80, "http"), "8080": Entrance(8080, "http"), "443": Entrance(443, "https")}
LISTENERS["8443"] = Entrance(8443, "https")


@pytest.mark.parametrize(
    ("listener", "fields", "port"),
    [
        ("80", {}, None),
        ("443", {}, None),
        ("8080", {}, 8080),
        ("8443", {}, 8443),
        ("80", {"scheme": "https"}, None),
        ("443", {"scheme": "http"}, None),
        ("8080", {"scheme": "https"}, 443),
        ("8080", {"scheme": "https", "hostname": "a.example"}, None),
        ("8443", {"scheme": "http"}, 80),
        ("80", {"port": 80}, None),
        ("80", {"port": 443}, 443),
        ("80", {"port": 8080}, 8080),
        ("8080", {"port": 80}, 80),
        ("8080", {"port": 80, "hostname": "a.example"}, None),
        ("80", {"scheme": "https", "port": 443}, None),
        ("80", {"scheme": "https", "port": 80}, 80),
        ("80", {"scheme": "https", "port": 8443}, 8443),
    ],
)
def test_a_redirect_names_the_port_that_the_scheme_does_not_say(routes, listener, fields, port):
    (route,) = routes(redirect(**fields), LISTENERS[listener])
    assert route["redirect"].get("port_redirect") == port


@pytest.mark.parametrize(
    ("code", "name"),
    [(301, None), (302, "FOUND"), (303, "SEE_OTHER"), (307, "TEMPORARY_REDIRECT"), (308, "PERMANENT_REDIRECT")],
)
def test_a_redirect_has_its_status(routes, code, name):
    assert routes(redirect(statusCode=code))[0]["redirect"].get("response_code") == name


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"timeouts": {"request": "1500ms"}}, {"timeout": "1.500s"}),
        ({"timeouts": {"request": "0s"}}, {"timeout": "0s"}),
        ({"timeouts": {}}, {}),
        ({"timeouts": {"backendRequest": "2s"}}, {"timeout": "0s", "retry_policy": {"per_try_timeout": "2s"}}),
        (
            {"timeouts": {"request": "3s", "backendRequest": "2s"}},
            {"timeout": "3s", "retry_policy": {"per_try_timeout": "2s"}},
        ),
        ({"timeouts": {"request": "3s", "backendRequest": "0s"}}, {"timeout": "3s"}),
        (
            {"retry": {"codes": [502, 503], "attempts": 3, "backoff": "50ms"}, "timeouts": {"backendRequest": "1s"}},
            {
                "timeout": "0s",
                "retry_policy": {
                    "retry_on": "connect-failure,refused-stream,reset,retriable-status-codes",
                    "num_retries": 3,
                    "retriable_status_codes": [502, 503],
                    "retry_back_off": {"base_interval": "0.050s"},
                    "per_try_timeout": "1s",
                },
            },
        ),
        (
            {"retry": {"backoff": "0s"}},
            {"retry_policy": {"retry_on": "connect-failure,refused-stream,reset,retriable-status-codes", "num_retries": 1}},
        ),
    ],
)
def test_timeouts_and_retries_limit_a_request(routes, rule, expected):
    assert routes({**rule, "backendRefs": [ONE]})[0]["route"] == {"cluster": "one", **expected}


def extension(on: str) -> dict[str, Any]:
    filters = [{"type": "ExtensionRef", "extensionRef": {"group": "x", "kind": "Y", "name": "z"}}]
    return {"backendRefs": [{**ONE, "filters": filters}]} if on == "backend" else {"filters": filters, "backendRefs": [ONE]}


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "extension": (extension("rule"), "UnsupportedValue", "spec.rules[3].filters[0].type ExtensionRef is not supported here"),
    "extension on a backend": (
        extension("backend"),
        "UnsupportedValue",
        "spec.rules[3].backendRefs[0].filters[0].type ExtensionRef is not supported here",
    ),
    "external auth": (
        {
            "filters": [{"type": "ExternalAuth", "externalAuth": {"protocol": "HTTP", "backendRef": TWO}}],
            "backendRefs": [ONE],
        },
        "UnsupportedValue",
        "spec.rules[3].filters[0].type ExternalAuth is not supported here",
    ),
    "CORS on a backend": (
        {"backendRefs": [{**ONE, "filters": [{"type": "CORS", "cors": {}}]}]},
        "UnsupportedValue",
        "spec.rules[3].backendRefs[0].filters[0].type CORS is not supported here",
    ),
    "unknown": (
        {"filters": [{"type": "Teleport"}], "backendRefs": [ONE]},
        "UnsupportedValue",
        "spec.rules[3].filters[0].type Teleport is not supported here",
    ),
    "mirror on a backend": (
        {"backendRefs": [{**ONE, "filters": [{"type": "RequestMirror", "requestMirror": {"backendRef": TWO}}]}]},
        "UnsupportedValue",
        "spec.rules[3].backendRefs[0].filters[0].type RequestMirror is not supported here",
    ),
    "path on a backend": (
        {
            "backendRefs": [
                {
                    **ONE,
                    "filters": [
                        {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplaceFullPath", "replaceFullPath": "/"}}},
                    ],
                },
            ],
        },
        "UnsupportedValue",
        "spec.rules[3].backendRefs[0].filters[0].urlRewrite.path is not supported on a backend; put it on the rule",
    ),
    "Host set": (
        {
            "filters": [
                {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "Host", "value": "a"}]}}
            ],
            "backendRefs": [ONE],
        },
        "UnsupportedValue",
        "spec.rules[3].filters[0] changes the header Host, which only URLRewrite can",
    ),
    "redirect and rewrite": (
        {"filters": [*redirect()["filters"], {"type": "URLRewrite", "urlRewrite": {}}]},
        "IncompatibleFilters",
        "spec.rules[3].filters has RequestRedirect and URLRewrite, which exclude each other",
    ),
    "session": (
        {"sessionPersistence": {}, "backendRefs": [ONE]},
        "UnsupportedValue",
        "spec.rules[3].sessionPersistence is not supported",
    ),
}


@pytest.mark.parametrize(("rule", "reason", "message"), REFUSED.values(), ids=REFUSED)
def test_a_rule_that_cannot_be_honoured_answers_500_and_says_why(translated, routes, rule, reason, message):
    field = message.partition(" ")[0]
    assert translated(rule).problems == (Problem("Accepted", reason, f"{message}; the rule answers 500", field),)
    assert translated(rule).references == frozenset()
    (route,) = routes(rule)
    assert (route["direct_response"], route["match"]) == ({"status": 500}, {"prefix": "/"})


def test_equal_rules_have_equal_results(translated):
    rule = {"matches": [{"path": {"value": "/a"}}], "backendRefs": [ONE, TWO]}
    assert translated(rule) == translated(rule)
