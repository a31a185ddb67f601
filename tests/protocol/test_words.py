"""What is made of the words of a refusal."""

import pytest

from xds.protocol.words import plain

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
