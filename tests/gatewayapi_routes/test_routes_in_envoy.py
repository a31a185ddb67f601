"""What a real Envoy makes of translated rules: it decides arguments about matching, rewriting and redirecting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aiohttp
import anyio
import pytest
from yarl import URL

from sources.gatewayapi.destination import Destination
from sources.gatewayapi.filter import Entrance
from sources.gatewayapi.kind import HTTP_ROUTE
from sources.gatewayapi.rule import ROUTE, Site, translate
from sources.gatewayapi.schema import decode
from xds.codec import message_class, to_json
from xds.model import Key, Object

pytestmark = pytest.mark.envoy

ONE, TWO, GONE = ({"name": name, "port": 80} for name in ("one", "two", "gone"))


def path(of_type: str, value: str) -> dict[str, Any]:
    return {"path": {"type": of_type, "value": value}}


def rewrite(**fields: Any) -> dict[str, Any]:
    return {"type": "URLRewrite", "urlRewrite": fields}


def redirect(**fields: Any) -> dict[str, Any]:
    return {"type": "RequestRedirect", "requestRedirect": fields}


def modify(side: str, **fields: Any) -> dict[str, Any]:
    return {"type": f"{side}HeaderModifier", f"{side.lower()}HeaderModifier": fields}


def cors(**fields: Any) -> dict[str, Any]:
    return {"type": "CORS", "cors": fields}


def prefix(value: str) -> dict[str, Any]:
    return {"type": "ReplacePrefixMatch", "replacePrefixMatch": value}


def full(value: str) -> dict[str, Any]:
    return {"type": "ReplaceFullPath", "replaceFullPath": value}


def under(value: str, *filters: dict[str, Any]) -> dict[str, Any]:
    """A rule for a path prefix."""
    return {"matches": [path("PathPrefix", value)], "filters": list(filters), "backendRefs": [ONE]}


def sent_on(value: str, **fields: Any) -> list[dict[str, Any]]:
    """The rules of a route that redirects everything below a path prefix."""
    return [{"matches": [path("PathPrefix", value)], "filters": [redirect(**fields)]}]


RULES: dict[str, list[dict[str, Any]]] = {
    "paths": [
        {"matches": [path("Exact", "/exact")], "backendRefs": [TWO]},
        {"matches": [path("PathPrefix", "/some/")], "backendRefs": [TWO]},
        {"matches": [path("PathPrefix", "/some/more")], "backendRefs": [ONE]},
        {"matches": [path("RegularExpression", "/v[0-9]+/.*")], "backendRefs": [TWO]},
        {"matches": [path("PathPrefix", "/v9")], "backendRefs": [ONE]},
    ],
    "values": [
        {"matches": [{"headers": [{"name": "X-Version", "value": "2"}]}], "backendRefs": [TWO]},
        {"matches": [{"headers": [{"name": "x-tag", "type": "RegularExpression", "value": "a+b"}]}], "backendRefs": [TWO]},
        {"matches": [{"queryParams": [{"name": "q", "value": "a%20b"}]}], "backendRefs": [TWO]},
        {
            "matches": [{"queryParams": [{"name": "r", "type": "RegularExpression", "value": "[0-9]{2}"}]}],
            "backendRefs": [TWO],
        },
        {"matches": [{"method": "POST"}], "backendRefs": [TWO]},
        {"matches": [{"headers": [{"name": "Host", "value": "values.example.com:8080"}]}], "backendRefs": [TWO]},
        {
            "matches": [{"headers": [{"name": "Twice", "value": "yes"}, {"name": "twice", "value": "no"}]}],
            "backendRefs": [TWO],
        },
        {"backendRefs": [ONE]},
    ],
    "rewrites": [
        under("/plain", rewrite(path=prefix("/new"))),
        under("/slash", rewrite(path=prefix("/new/"))),
        under("/empty", rewrite(path=prefix(""))),
        under("/root", rewrite(path=prefix("/"))),
        under("/full", rewrite(path=full("/all\\1"))),
        under("/long/" + 900 * "x", rewrite(path=prefix("/"))),
        under("/host", rewrite(hostname="inner.example.org")),
        under("/a.b+c", rewrite(path=prefix("/"))),
    ],
    "from-root": [under("/", rewrite(path=prefix("/new")))],
    "root-to-root": [under("/", rewrite(path=prefix("/")))],
    "headers": [
        under(
            "/request",
            modify(
                "Request",
                set=[{"name": "X-Set", "value": "100%"}],
                add=[{"name": "X-Add", "value": "%REQ(:path)%"}],
                remove=["X-Gone"],
            ),
        ),
        under(
            "/response",
            modify("Response", set=[{"name": "X-Set", "value": "new"}], remove=["X-From-Backend"]),
        ),
        {
            "matches": [path("PathPrefix", "/share")],
            "backendRefs": [
                {
                    **ONE,
                    "filters": [
                        modify("Request", set=[{"name": "X-Share", "value": "one"}]),
                        rewrite(hostname="in.example"),
                    ],
                }
            ],
        },
    ],
    "failing": [
        {"matches": [path("Exact", "/all-invalid")], "backendRefs": [GONE]},
        {"matches": [path("Exact", "/none")]},
        {"matches": [path("Exact", "/zero")], "backendRefs": [{**ONE, "weight": 0}, {**TWO, "weight": 0}]},
        {"matches": [path("Exact", "/invalid-zero")], "backendRefs": [{**GONE, "weight": 0}, TWO]},
        {"matches": [path("Exact", "/invalid-or-zero")], "backendRefs": [GONE, {**TWO, "weight": 0}]},
        {
            "matches": [path("Exact", "/unsupported")],
            "filters": [{"type": "ExtensionRef", "extensionRef": {"group": "x.example", "kind": "Wall", "name": "w"}}],
            "backendRefs": [ONE],
        },
        {"backendRefs": [ONE]},
    ],
    "shares": [
        {"matches": [path("PathPrefix", "/half")], "backendRefs": [{**ONE, "weight": 5}, {**GONE, "weight": 5}]},
        {"matches": [path("PathPrefix", "/two")], "backendRefs": [{**ONE, "weight": 1}, {**TWO, "weight": 1}]},
    ],
    "limits": [
        {"matches": [path("PathPrefix", "/slow/whole")], "timeouts": {"request": "200ms"}, "backendRefs": [ONE]},
        {"matches": [path("PathPrefix", "/slow/each")], "timeouts": {"backendRequest": "200ms"}, "backendRefs": [ONE]},
        {
            "matches": [path("PathPrefix", "/never")],
            "timeouts": {"request": "0s", "backendRequest": "0s"},
            "backendRefs": [ONE],
        },
        {
            "matches": [path("PathPrefix", "/flaky")],
            "retry": {"codes": [503], "attempts": 2, "backoff": "10ms"},
            "backendRefs": [ONE],
        },
    ],
    "mirror": [
        under(
            "/",
            {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "mirror", "port": 80}, "percent": 100}},
            {"type": "RequestMirror", "requestMirror": {"backendRef": TWO, "fraction": {"numerator": 3, "denominator": 3}}},
            {"type": "RequestMirror", "requestMirror": {"backendRef": GONE}},
        ),
    ],
    "extremes": [
        {
            "matches": [
                path("PathPrefix", "/" + 1023 * "x"),
                {"headers": [{"name": "!#$%&'*+-.^_`|~", "value": "ü" * 4096}]},
            ],
            "filters": [
                modify("Request", set=[{"name": "x", "value": "%" * 4096}], add=[{"name": "y", "value": "\x01\t\x7fü"}]),
                rewrite(path=full("%REQ(x)%\\")),
            ],
            "backendRefs": [{**(ONE if index % 2 else GONE), "weight": 1_000_000} for index in range(16)],
            "timeouts": {"request": "99999h99999m99999s99999ms"},
            "retry": {"codes": list(range(400, 600)), "attempts": 99, "backoff": "99999h"},
        },
        {
            "matches": [path("RegularExpression", "x{96}")],
            "filters": [{"type": "RequestMirror", "requestMirror": {"backendRef": ONE, "percent": 0}}],
            "backendRefs": [ONE],
        },
        {
            "matches": [path("PathPrefix", "/%41~!$&'()*+,;=:@")],
            "filters": [redirect(path=prefix("?\\1%"), hostname="x" * 63 + ".example")],
        },
    ],
    "cors": [
        under(
            "/some",
            cors(
                allowOrigins=["https://one.example", "http://*.two.example:8080"],
                allowMethods=["GET", "PUT"],
                allowHeaders=["X-Ask"],
                exposeHeaders=["X-Tell", "*"],
                maxAge=60,
            ),
        ),
        under("/all", cors(allowOrigins=["*"], allowMethods=["*"], allowHeaders=["*"], exposeHeaders=["X-Tell", "*"])),
        under(
            "/credentials",
            cors(allowOrigins=["https://*"], allowMethods=["*"], exposeHeaders=["X-Tell", "*"], allowCredentials=True),
        ),
    ],
    "redirect-host": sent_on("/", hostname="other.example.org", statusCode=301),
    "redirect-scheme": sent_on("/", scheme="https"),
    "redirect-port": sent_on("/", port=8443, statusCode=308),
    "redirect-scheme-port": sent_on("/", scheme="https", port=8443, statusCode=307),
    "redirect-needless-port": sent_on("/", scheme="https", port=443, hostname="other.example.org", statusCode=303),
    "redirect-full": sent_on("/", path=full("/there")),
    "redirect-prefix": sent_on("/old", path=prefix("/new")),
    "redirect-prefix-away": sent_on("/old", path=prefix("/")),
    "redirect-root-prefix": sent_on("/", path=prefix("/new")),
    "redirect-8080-scheme": sent_on("/", scheme="https"),
    "redirect-8080-path": sent_on("/", path=full("/there")),
    "redirect-443-scheme": sent_on("/", scheme="http"),
    "redirect-443-path": sent_on("/", path=full("/there")),
}
"""Hostname (before .example.com) -> the rules that serve it."""

ENTRANCES = {
    "redirect-8080-scheme": Entrance(8080, "http"),
    "redirect-8080-path": Entrance(8080, "http"),
    "redirect-443-scheme": Entrance(443, "https"),
    "redirect-443-path": Entrance(443, "https"),
}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Any
    body: Any


def resolve(ref: Any) -> Destination:
    return Destination(ref.name, "", "BackendNotFound", "there is none") if ref.name == "gone" else Destination("", ref.name)


def virtual_host(name: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    body = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": name}}
    route = decode(Object.of({**body, "spec": {"rules": rules}}))
    entrance = ENTRANCES.get(name, Entrance(80, "http"))
    key = Key(HTTP_ROUTE, "default", name)
    translated = [
        translate(rule, Site(key, ("", "default", name), index, entrance), resolve)
        for index, rule in enumerate(route.spec.rules)
    ]
    entries = sorted((entry for rule in translated for entry in rule.entries), key=lambda entry: entry.order)
    routes = [to_json(message_class(ROUTE).FromString(entry.body)) for entry in entries]
    return {"name": name, "domains": [f"{name}.example.com"], "routes": routes}


@pytest.fixture(scope="module")
def port(boot, backends):
    """The port of an Envoy that serves all of RULES."""
    hosts = [virtual_host(*one) for one in RULES.items()]
    return boot(hosts, {name: backend.port for name, backend in backends.items()})


@pytest.fixture
async def ask(port):
    """Sends a request to one of the hosts; `host_port` is what the client writes behind the name in Host."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(20)) as session:

        async def asked(host: str, target: str, *, method: str = "GET", host_port: str = "", **headers: str) -> Answer:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            named["Host"] = f"{host}.example.com{host_port}"
            url = URL(f"http://127.0.0.1:{port}{target}", encoded=True)
            async with session.request(method, url, headers=named, allow_redirects=False) as response:
                json = response.content_length and response.content_type != "text/plain" and response.status < 300
                return Answer(response.status, response.headers, await response.json(content_type=None) if json else None)

        yield asked


@pytest.mark.parametrize(
    ("target", "backend"),
    [
        ("/exact", "two"),
        ("/exact?q=1", "two"),
        ("/exact/", None),
        ("/Exact", None),
        ("/some", "two"),
        ("/some/", "two"),
        ("/some/thing", "two"),
        ("/something", None),
        ("/some/more/things", "one"),
        ("/v1/x", "two"),
        ("/v9/x", "two"),
        ("/v9", "one"),
        ("/vx/x", None),
        ("/x/v1/x", None),
    ],
)
async def test_a_path_finds_its_rule(ask, target, backend):
    answer = await ask("paths", target)
    assert (answer.body or {}).get("backend") == backend
    assert answer.status == (200 if backend else 404)


@pytest.mark.parametrize(
    ("target", "request_fields", "backend"),
    [
        ("/", {"x_version": "2"}, "two"),
        ("/", {"X_VERSION": "2"}, "two"),
        ("/", {"x_version": "22"}, "one"),
        ("/", {"x_tag": "aaab"}, "two"),
        ("/", {"x_tag": "xaaab"}, "one"),
        ("/?q=a%20b", {}, "two"),
        ("/?q=a+b", {}, "one"),
        ("/", {"host_port": ":8080"}, "two"),
        ("/?r=42", {}, "two"),
        ("/?r=422", {}, "one"),
        ("/", {"method": "POST"}, "two"),
        ("/", {"method": "PUT"}, "one"),
        ("/", {"twice": "yes"}, "two"),
        ("/", {"twice": "no"}, "one"),
    ],
)
async def test_headers_parameters_and_methods_find_their_rule(ask, target, request_fields, backend):
    assert (await ask("values", target, **request_fields)).body["backend"] == backend


@pytest.mark.parametrize(
    ("host", "target", "expected"),
    [
        ("rewrites", "/plain", "/new"),
        ("rewrites", "/plain/", "/new/"),
        ("rewrites", "/plain/x?q=1", "/new/x?q=1"),
        ("rewrites", "/slash/x", "/new/x"),
        ("rewrites", "/slash", "/new"),
        ("rewrites", "/empty", "/"),
        ("rewrites", "/empty/", "/"),
        ("rewrites", "/empty/x/y?q=1", "/x/y?q=1"),
        ("rewrites", "/root/x", "/x"),
        ("rewrites", "/root", "/"),
        ("rewrites", "/root//x", "/x"),
        ("rewrites", "/rooted", None),
        ("rewrites", f"/long/{900 * 'x'}/y", "/y"),
        ("rewrites", "/a.b+c/x", "/x"),
        ("rewrites", "/full/x/y?q=1", "/all\\1?q=1"),
        ("from-root", "/", "/new/"),
        ("from-root", "/x/y", "/new/x/y"),
        ("root-to-root", "/x", "/x"),
    ],
)
async def test_a_rewrite_changes_the_path_that_the_backend_sees(ask, host, target, expected):
    assert ((await ask(host, target)).body or {}).get("path") == expected


async def test_a_rewrite_changes_the_host_that_the_backend_sees(ask):
    assert (await ask("rewrites", "/host")).body["headers"]["host"] == "inner.example.org"
    assert (await ask("rewrites", "/plain")).body["headers"]["host"] == "rewrites.example.com"


async def test_request_headers_are_set_added_and_removed_literally(ask):
    headers = (await ask("headers", "/request", x_set="old", x_add="first", x_gone="here")).body["headers"]
    assert headers["x-set"] == "100%"
    assert headers["x-add"] == "first,%REQ(:path)%"
    assert "x-gone" not in headers


async def test_response_headers_are_set_and_removed(ask):
    answer = await ask("headers", "/response")
    assert answer.headers["x-set"] == "new"
    assert "x-from-backend" not in answer.headers


async def test_a_backend_may_have_filters_of_its_own(ask):
    headers = (await ask("headers", "/share")).body["headers"]
    assert (headers["x-share"], headers["host"]) == ("one", "in.example")


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/all-invalid", 500),
        ("/none", 500),
        ("/zero", 500),
        ("/invalid-zero", 200),
        ("/invalid-or-zero", 500),
        ("/unsupported", 500),
        ("/", 200),
    ],
)
async def test_a_rule_that_cannot_be_honoured_answers_500_and_nothing_else_takes_its_place(ask, target, status):
    assert (await ask("failing", target)).status == status


async def test_an_invalid_backend_answers_500_for_its_share_only(ask):
    statuses = [(await ask("shares", "/half")).status for _ in range(60)]
    assert set(statuses) == {200, 500}
    assert 10 < statuses.count(500) < 50


async def test_backends_share_requests_by_weight(ask):
    served = [(await ask("shares", "/two")).body["backend"] for _ in range(60)]
    assert 10 < served.count("one") < 50
    assert set(served) == {"one", "two"}


@pytest.mark.parametrize(("target", "status"), [("/slow/whole", 504), ("/slow/each", 504), ("/never", 200), ("/flaky", 200)])
async def test_limits_end_or_repeat_a_request(ask, target, status):
    assert (await ask("limits", target)).status == status


def told(answer: Answer) -> dict[str, str]:
    """What an answer says to a browser: the headers of CORS, without what their names have in common."""
    start = "access-control-"
    return {
        name.lower().removeprefix(start): text for name, text in answer.headers.items() if name.lower().startswith(start)
    }


SOME = {"allow-methods": "GET,PUT", "allow-headers": "X-Ask", "max-age": "60"}


@pytest.mark.parametrize(
    ("target", "origin", "expected"),
    [
        ("/some", "https://one.example", {"allow-origin": "https://one.example", "expose-headers": "X-Tell,*", **SOME}),
        ("/some", "http://a.b.two.example:8080", {"expose-headers": "X-Tell,*", **SOME}),
        ("/some", "http://two.example:8080", None),
        ("/some", "http://a.two.example", None),
        ("/some", "https://one.example.org", None),
        ("/all", "https://any.example:1", {"allow-methods": "PUT", "allow-headers": "x-a", "expose-headers": "X-Tell,*"}),
        ("/credentials", "https://any.example", {"allow-methods": "PUT", "expose-headers": "X-Tell"}),
    ],
)
async def test_a_preflight_is_answered_without_the_backend(ask, backends, target, origin, expected):
    asked = {"origin": origin, "access_control_request_method": "PUT", "access_control_request_headers": "x-a"}
    before = len(backends["one"].seen)
    answer = await ask("cors", target, method="OPTIONS", **asked)
    assert (answer.status, len(backends["one"].seen)) == (200, before)
    assert told(answer).get("allow-origin") == (origin if expected else None)
    assert told(answer).get("allow-credentials") == ("true" if target == "/credentials" else None)
    assert told(answer).items() >= (expected or {}).items()


async def test_a_request_of_an_allowed_origin_is_answered_for_it(ask):
    """The others get an answer too, which a browser keeps from their scripts."""
    answers = {name: told(await ask("cors", "/some", origin=f"https://{name}.example")) for name in ("one", "two")}
    assert answers == {"one": {"allow-origin": "https://one.example", "expose-headers": "X-Tell,*"}, "two": {}}


async def test_mirrors_get_an_unchanged_copy_and_the_client_the_answer_of_the_backend(ask, backends):
    assert (await ask("mirror", "/copy?q=1")).body["backend"] == "one"
    with anyio.fail_after(10):
        for name in ("mirror", "two"):
            while not (copies := [seen for seen in backends[name].seen if seen["path"] == "/copy?q=1"]):  # noqa: ASYNC110  it comes in a thread
                await anyio.sleep(0.01)
            assert copies[0]["headers"]["host"] == "mirror.example.com"


@pytest.mark.parametrize(
    ("host", "target", "host_port", "status", "location"),
    [
        ("redirect-host", "/x?q=1", "", 301, "http://other.example.org/x?q=1"),
        ("redirect-host", "/x", ":80", 301, "http://other.example.org/x"),
        ("redirect-scheme", "/x", "", 302, "https://redirect-scheme.example.com/x"),
        ("redirect-scheme", "/x", ":80", 302, "https://redirect-scheme.example.com/x"),
        ("redirect-port", "/x", "", 308, "http://redirect-port.example.com:8443/x"),
        ("redirect-port", "/x", ":80", 308, "http://redirect-port.example.com:8443/x"),
        ("redirect-scheme-port", "/x", "", 307, "https://redirect-scheme-port.example.com:8443/x"),
        ("redirect-needless-port", "/x", "", 303, "https://other.example.org/x"),
        ("redirect-full", "/x/y?q=1", "", 302, "http://redirect-full.example.com/there?q=1"),
        ("redirect-prefix", "/old/x", "", 302, "http://redirect-prefix.example.com/new/x"),
        ("redirect-prefix", "/old", "", 302, "http://redirect-prefix.example.com/new"),
        ("redirect-prefix-away", "/old/x?q=1", "", 302, "http://redirect-prefix-away.example.com/x?q=1"),
        ("redirect-prefix-away", "/old", "", 302, "http://redirect-prefix-away.example.com/"),
        ("redirect-prefix-away", "/old/", "", 302, "http://redirect-prefix-away.example.com/"),
        ("redirect-root-prefix", "/x", "", 302, "http://redirect-root-prefix.example.com/new/x"),
        ("redirect-8080-scheme", "/x", ":8080", 302, "https://redirect-8080-scheme.example.com:443/x"),
        ("redirect-8080-path", "/x", ":8080", 302, "http://redirect-8080-path.example.com:8080/there"),
        ("redirect-8080-path", "/x", "", 302, "http://redirect-8080-path.example.com:8080/there"),
        ("redirect-443-scheme", "/x", ":443", 302, "http://redirect-443-scheme.example.com/x"),
        ("redirect-443-path", "/x", "", 302, "https://redirect-443-path.example.com/there"),
    ],
)
async def test_a_redirect_says_where(ask, host, target, host_port, status, location):
    scheme = ENTRANCES.get(host, Entrance(80, "http")).scheme
    answer = await ask(host, target, host_port=host_port, x_forwarded_proto=scheme)
    assert (answer.status, answer.headers["location"]) == (status, location)
