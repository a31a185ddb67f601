"""The parser: documents, lists, JSON, unknown kinds; each mistake with its line and what to do about it."""

from __future__ import annotations

import json

import pytest

from providers.file.parser import Parser
from providers.file.vocabulary import Vocabulary
from xds.codec.document import locate
from xds.model import Kind, Severity

NAME = "every object has a name, in quotes where it looks like a number"
SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}}


def told(contents) -> list[str]:
    return [str(fault.diagnostic) for fault in contents.faults]


def found(contents) -> list[tuple[str, int]]:
    return [(one.key.name, one.origin.line) for one in contents.objects]


def test_every_document_of_a_file_is_an_object_at_the_line_of_its_first_word(parse, write):
    text = "# about this file\n\n" + write("a") + "---\n# nothing but a comment\n" + "\n" + write("b")
    assert found(parse(text)) == [("a", 4), ("b", 13)]


@pytest.mark.parametrize("text", ["", "\n \n", "# a comment\n", "---\n---\n", "~\n"])
def test_a_file_without_a_document_says_nothing(parse, text):
    assert parse(text).objects == parse(text).faults == ()


def test_documents_with_windows_line_ends_are_read(parse, write):
    assert found(parse((write("a") + write("b")).replace("\n", "\r\n"))) == [("a", 2), ("b", 8)]


def test_a_broken_document_is_a_fault_between_its_neighbours(parse, write):
    contents = parse(write("a") + "---\nspec: [1,\n" + write("b"))
    assert [name for name, _ in found(contents)] == ["a", "b"]
    assert told(contents) == ["a.yaml:9: is not valid YAML: did not find expected node content"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: Service", "a.yaml:1: apiVersion is missing\n    for instance apiVersion: gateway.networking.k8s.io/v1"),
        ("apiVersion: v1", "a.yaml:1: kind is missing\n    for instance kind: HTTPRoute"),
        ("apiVersion: v1\nkind: 7", "a.yaml:2: kind must be a string, not 7\n    for instance kind: HTTPRoute"),
        (
            "apiVersion: v1\nkind: Service",
            "a.yaml:1: metadata is missing\n    for instance metadata: {name: my-route}",
        ),
        (
            "apiVersion: v1\nkind: Service\nmetadata:\n  title: x",
            f"a.yaml:3: metadata.name is missing\n    {NAME}",
        ),
        (
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: 5",
            f"a.yaml:4: metadata.name must be a string, not 5\n    {NAME}",
        ),
        (
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: x\n  namespace: 5",
            "a.yaml:5: metadata.namespace must be a string\n    put it in quotes where it looks like a number",
        ),
        ("hello", "a.yaml:1: is no object: a document has apiVersion, kind and metadata"),
        ("- hello", "a.yaml:1: is no object: a document has apiVersion, kind and metadata"),
        ("kind: List", "a.yaml:1: items must be a list of objects"),
        ("kind: List\nitems: 5", "a.yaml:2: items must be a list of objects"),
        (
            "apiVersion: v1\nkind: Service\nmetadata: &m\n  name: x\n  labels: *m",
            "a.yaml:1: contains itself\n    an alias must not stand inside its own anchor",
        ),
    ],
)
def test_a_document_that_is_no_object_is_told_where_and_what_to_do(parse, text, said):
    contents = parse(text + "\n")
    assert told(contents) == [said]
    assert contents.faults[0].holds is None


@pytest.mark.parametrize("deep", ["[" * 100_000, "- " * 100_000, "\n".join(" " * i + "a:" for i in range(1000))])
def test_a_document_that_is_nested_too_deeply_is_refused(parse, write, deep):
    contents = parse(f"---\n{deep}\n{write('a')}")
    assert told(contents) == ["a.yaml:2: is nested more than 500 deep"]
    assert len(contents.objects) == 1


def test_a_long_line_or_many_brackets_are_not_deep(parse):
    text = f"apiVersion: v1\nkind: Service\nmetadata: {{name: a}}\nspec: ['{'x' * 1000}', {'[], ' * 1000}]\n"
    assert found(parse(text)) == [("a", 1)]


def test_a_document_whose_aliases_come_to_millions_of_values_is_refused(parse):
    text = "".join(f"a{i}: &a{i} [{f'*a{i - 1}, ' * 10 if i else 1}]\n" for i in range(10))
    assert told(parse(text)) == ["a.yaml:1: repeats more than 1000000 values by its aliases"]


def test_a_sign_that_no_text_has_is_told_with_its_line(parse):
    assert told(parse("a: 1\nb: \0\n")) == ["a.yaml:2: is not valid YAML: control characters are not allowed"]


@pytest.mark.parametrize("head", ["kind: List\nitems:\n", "# no kind, just a list\n"])
def test_a_list_is_its_items_each_with_its_own_line_and_text(parse, head):
    text = head + (
        "  # é and 日本\n"
        "  - apiVersion: v1\n    kind: Service\n    metadata:\n      name: a\n    spec: &ports\n      ports: [1]\n"
        "  - apiVersion: v1\n    kind: Service\n    metadata: {title: b}\n"
        "  - {apiVersion: v1, kind: Service, metadata: {name: c}}\n"
        "  - apiVersion: v1\n    kind: Service\n    metadata: {name: d}\n    spec: *ports\n"
    )
    contents, start = parse(text), text[: text.index("  - ")].count("\n") + 1
    assert found(contents) == [("a", start), ("c", start + 9), ("d", start + 10)]
    assert contents.objects[2].body["spec"] == {"ports": [1]}
    assert locate(contents.objects[0].origin, "spec.ports").line == start + 5
    assert told(contents)[0].startswith(f"a.yaml:{start + 8}: metadata.name is missing")


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("wrap", [lambda one: one, lambda one: [one], lambda one: {"kind": "List", "items": [one]}])
def test_json_is_an_object_or_a_list_of_them(parse, wrap, indent):
    text = json.dumps(wrap(SERVICE), indent=indent)
    assert [one.body for one in parse(text, "a.json").objects] == [SERVICE]
    assert not parse(text, "a.json").cut


def test_json_items_have_their_own_line_and_text(parse):
    one = json.dumps(SERVICE)
    text = f'\n{{"x": "items",\n "kind": "List", "items": [\n\n  {one}, {one},\n  7,\n  {one}]}}\n'
    contents = parse(text, "a.json")
    assert found(contents) == [("s", 5), ("s", 5), ("s", 7)]
    assert contents.objects[2].origin.text == one
    assert told(contents) == ["a.json:6: is no object: a document has apiVersion, kind and metadata"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1 2}', "a.json:1: is not valid JSON: Expecting ',' delimiter"),
        ('\n{"kind"\n', "a.json:3: is not valid JSON: Expecting ':' delimiter"),
        ('[\n{"a": 1, "a": 2}]', "a.json:2: is not valid JSON: the key 'a' is given twice"),
        ("[" * 100_000, "a.json:1: is not valid JSON: it is nested too deeply"),
        ('{"kind": "List",\n"items": 5}', "a.json:2: items must be a list of objects"),
    ],
)
def test_json_that_is_none_is_told_with_its_line(parse, text, said):
    assert told(parse(text, "a.json")) == [said]


def test_an_empty_json_file_says_nothing(parse):
    assert parse(" \n", "a.json").faults == ()


def test_json_items_that_are_none_leave_their_neighbours_alone(parse):
    text = f'[{json.dumps(SERVICE)}, {{"a": 1, "a": 2}}]'
    assert found(parse(text, "a.json")) == [("s", 1)]


def test_a_file_of_another_ending_is_read_as_yaml(parse, write):
    assert found(parse(write("a"), "a.conf")) == [("a", 2)]


def test_a_text_that_ends_inside_a_line_is_cut(parse, write):
    assert parse(write("a")[:-1]).cut
    assert not parse(write("a")).cut
    assert not parse("").cut


def test_only_documents_with_a_new_text_are_parsed(write):
    """The others keep their data, and their line follows them."""
    parser = Parser(Vocabulary([Kind("gateway.networking.k8s.io", "HTTPRoute")]))
    before, known = parser.parse(write("a") + write("b"), "a.yaml", {})
    after, _ = parser.parse("# a line more\n" + write("a", "2") + write("b"), "a.yaml", known)
    assert after.objects[1].body is before.objects[1].body
    assert after.objects[0].body is not before.objects[0].body
    assert [one.origin.line for one in after.objects] == [3, 9]


def test_the_line_of_a_known_mistake_follows_its_document():
    parser = Parser(Vocabulary([]))
    before, known = parser.parse("---\n[\n", "a.yaml", {})
    after, _ = parser.parse("\n\n---\n[\n", "a.yaml", known)
    assert [fault.diagnostic.origin.line for fault in before.faults + after.faults] == [3, 5]


LEFT_OUT = "it is left out; if something should understand it, load the source that does"


@pytest.mark.parametrize(
    ("api_version", "kind", "severity", "line", "hint"),
    [
        ("gateway.networking.k8s.io/v1", "HTTPRuote", "error", 2, "did you mean HTTPRoute (gateway.networking.k8s.io/v1)?"),
        ("gateway.networking.k8s.io/v1", "httproute", "error", 2, "did you mean HTTPRoute (gateway.networking.k8s.io/v1)?"),
        ("networking.k8s.io/v1", "HTTPRoute", "error", 1, "write apiVersion: gateway.networking.k8s.io/v1"),
        ("gateway.networking.k8s.io", "HTTPRoute", "error", 1, "write apiVersion: gateway.networking.k8s.io/v1"),
        ("gateway.networking.k8s.io/v1", "Mesh", "error", 2, LEFT_OUT),
        ("apps/v1", "Deployment", "warning", 2, LEFT_OUT),
    ],
)
def test_a_kind_that_nothing_understands_is_left_out_and_told(parse, api_version, kind, severity, line, hint):
    """A slip, or a kind of a group that is spoken here, is an error; a foreign one is a warning."""
    contents = parse(f"apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: x}}\n")
    what = f"is of kind {kind} ({api_version}), which nothing loaded here understands"
    assert contents.objects == ()
    assert told(contents) == [f"a.yaml:{line}: {kind} default/x: {what}\n    {hint}"]
    assert contents.faults[0].diagnostic.severity == severity


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha2"])
def test_any_well_formed_version_of_a_known_kind_is_taken(parse, version):
    text = f"apiVersion: gateway.networking.k8s.io/{version}\nkind: HTTPRoute\nmetadata: {{name: x}}\n"
    assert parse(text).faults == ()


def test_a_strange_version_is_taken_with_a_warning(parse):
    contents = parse("kind: HTTPRoute\napiVersion: gateway.networking.k8s.io/1.0\nmetadata: {name: x}\n")
    assert found(contents) == [("x", 1)]
    what = "apiVersion names a version that HTTPRoute is not known to have"
    assert told(contents) == [f"a.yaml:2: HTTPRoute default/x: {what}\n    write apiVersion: gateway.networking.k8s.io/v1"]
    assert contents.faults[0].diagnostic.severity is Severity.WARNING


def test_a_slip_for_a_kind_without_namespaces_holds_the_object_it_was_meant_for(parse):
    contents = parse("apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClas\nmetadata: {name: x}\n")
    assert {str(key) for key in contents.faults[0].holds} == {"GatewayClass x"}
