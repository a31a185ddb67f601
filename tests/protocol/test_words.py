"""What is made of the words of a refusal."""

import pytest

from xds.protocol.words import divided, plain

DUMP = """goo.gle/debugproto\x20\x20
name: "bad"
eds_cluster_config {
  service_name: "good"
}
tls_certificate {
  private_key {
    inline_string: "secret"
  }
}
"""
BROKEN = "Proto constraint validation failed (ClusterValidationError.ConnectTimeout: value must be greater than 0s)"


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (f"{DUMP}: {BROKEN}", f"bad: {BROKEN}"),
        (f"{BROKEN}: {DUMP}", f"{BROKEN}: bad"),
        (f"{DUMP}: {BROKEN}\n{DUMP}: {BROKEN}", f"bad: {BROKEN}\nbad: {BROKEN}"),
        ('goo.gle/debugonly \ncluster_name: "bad"\n: no', "bad: no"),
        ("goo.gle/debugstr  \nprefix: 1\n: no", "a resource: no"),
        ("Error adding/updating cluster(s) a: no, b: no", "Error adding/updating cluster(s) a: no, b: no"),
        ("", ""),
    ],
)
def test_a_message_that_envoy_prints_is_told_by_its_name_alone(words, left):
    assert plain(words) == left


@pytest.mark.parametrize(
    ("words", "shares"),
    [
        (
            "Error adding/updating cluster(s) a: no timeout, b: no such filter",
            {"a": "no timeout", "b": "no such filter"},
        ),
        (
            "Error adding/updating listener(s) a: cannot bind\nb: a: twice\n",
            {"a": "cannot bind", "b": "a: twice"},
        ),
        (
            "xDS response validation errors: [resource index 0: b: INVALID_ARGUMENT: no; resource index 17: a: missing]",
            {"b": "INVALID_ARGUMENT: no", "a": "missing]"},
        ),
        ("all of a and b is wrong", {"a": "all of a and b is wrong", "b": "all of a and b is wrong"}),
        ("Error adding/updating cluster(s) a: no timeout", {"a": "Error adding/updating cluster(s) a: no timeout"}),
        ("Error adding/updating cluster(s) a-b: no, b: yes", {"a-b": "no", "b": "yes"}),
    ],
)
def test_what_is_said_of_each_of_several(words, shares):
    assert divided(words, list(shares)) == shares
