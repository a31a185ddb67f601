"""Documents: YAML 1.2 as people mean it, one at a time, every mistake with its line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xds.codec.document import DEEPEST, Text, items, locate, parse, split, steps
from xds.model import ConfigError, Origin


def read(text: str):
    return [parse(one, "a.yaml") for one in split(text)]


def test_documents_come_one_at_a_time():
    text = "# nothing here\n---\na: 1\n---\n\n# only words\n---\n\n\nb: 2\n--- c\n"
    assert read(text) == [{"a": 1}, {"b": 2}, "c"]
    assert [one.line + one.text[: one.text.index("b")].count("\n") for one in split(text) if "b" in one.text] == [10]


@pytest.mark.parametrize("text", ["", "\n\n", "# words", "---\n---\n", "  \t\n# a\r\n"], ids=repr)
def test_what_says_nothing_is_no_document(text):
    assert list(split(text)) == []


def test_a_broken_document_does_not_swallow_the_next():
    broken, good = split("a: [1\n---\nb: 2\n")
    with pytest.raises(ConfigError):
        parse(broken, "a.yaml")
    assert parse(good, "a.yaml") == {"b": 2}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("2026-01-01", "2026-01-01"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("-5", -5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("true", True),
        ("~", None),
        ("null", None),
        ("'5'", "5"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text, value):
    (found,) = read(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: [", 2, "is not valid YAML"),
        ("a: 1\na: 2\n", 2, "given twice"),
        ("a:\n  5: x\n", 2, "is no string"),
        ("a: \x01\n", 1, "is not valid YAML"),
        ("a: &x {b: *x}\nc: 'open", 2, "is not valid YAML"),
        ("a: !!python/object:os.system {}\n", 1, "is not valid YAML"),
        ("[" * (DEEPEST + 1), 1, "deep"),
    ],
    ids=["unclosed", "key twice", "no string", "control character", "quote", "tag", "nested"],
)
def test_a_mistake_has_its_file_and_line(text, line, words):
    (one,) = split("\n\n" + text)
    with pytest.raises(ConfigError, match=words) as caught:
        parse(one, "a.yaml")
    assert caught.value.origin.file == "a.yaml"
    assert caught.value.origin.line >= line


def test_aliases_may_not_come_to_billions():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 8)]
    with pytest.raises(ConfigError, match="aliases"):
        read("\n".join(lines))
    assert read("a: &a {b: 1}\nc: *a\nd:\n  <<: *a\n") == [{"a": {"b": 1}, "c": {"b": 1}, "d": {"b": 1}}]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="ascii", exclude_categories=["Cc"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=4),
    max_leaves=10,
)


@given(value=JSON)
def test_json_is_yaml(value):
    assert read(json.dumps({"value": value}, indent=1)) == [{"value": value}]


def test_a_field_path_has_steps():
    assert list(steps('spec.listeners[0].port["a.b"]')) == ["spec", "listeners", 0, "port", "a.b"]


@pytest.mark.parametrize(
    ("path", "line"),
    [("spec.ports[1].port", 15), ("spec.ports[7]", 12), ("spec.nothing", 11), ("", 10), ("kind", 10)],
)
def test_a_field_has_its_line(path, line):
    """Or its nearest parent's that is there."""
    origin = Origin("a.yaml", 10, "kind: Service\nspec:\n  ports:\n  - port: 1\n  -\n    port: 2\n")
    assert locate(origin, path) == Origin("a.yaml", line)


def test_a_field_of_a_text_that_is_unknown_or_broken_is_at_its_document():
    assert locate(Origin("a.yaml", 3), "spec") == Origin("a.yaml", 3)
    assert locate(Origin("a.yaml", 3, "a: ["), "a") == Origin("a.yaml", 3)


def test_items_of_a_list_are_documents():
    one = Text("kind: List\nitems:\n- a: 1\n  b: 2\n-   a: 3\n", 5)
    found = list(items(one, "items"))
    assert [(parse(item, "a.yaml"), item.line) for item in found] == [({"a": 1, "b": 2}, 7), ({"a": 3}, 9)]
    assert list(items(one, "nothing")) == []
