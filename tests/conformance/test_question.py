"""What is asked for is what the suite is told."""

from __future__ import annotations

from catalogue import Entry
from judge import Question

SHARED = Entry("Shared", {"GATEWAY-HTTP": "core", "GATEWAY-TLS": "core"}, ("Gateway",))
PLAIN = Entry("Plain", {"GATEWAY-HTTP": "extended"}, ("Gateway", "HTTPRouteRetry"))
MESH = Entry("Mesh", {}, ("Mesh",))


def flag(question: Question, name: str) -> str:
    (value,) = (one.partition("=")[2] for one in question.flags([SHARED, PLAIN, MESH]) if one.startswith(f"-{name}="))
    return value


def test_only_the_tests_of_a_profile_are_run():
    """What counts in none of the profiles is skipped."""
    assert flag(Question(["GATEWAY-TLS"]), "skip-tests") == "Plain,Mesh"
    assert flag(Question(["GATEWAY-HTTP", "GATEWAY-TLS"]), "skip-tests") == "Mesh"


def test_features_are_those_of_the_gateway_class():
    """The suite reads them off our GatewayClass when it is given none; `everything` gives all that the tests need."""
    assert flag(Question(["GATEWAY-HTTP"]), "supported-features") == ""
    assert flag(Question(["GATEWAY-HTTP"], everything=True), "supported-features") == "Gateway,HTTPRouteRetry"


def test_shorter_waits_leave_time_to_set_up():
    """A test waits as long as it is asked to; the pods before all tests have time to start."""
    waits = dict(one.split(":") for one in flag(Question(["GATEWAY-HTTP"], wait=3), "timeout-config-overrides").split(";"))
    assert (waits["HTTPRouteMustHaveCondition"], waits["NamespacesMustBeReady"]) == ("3", "30")
