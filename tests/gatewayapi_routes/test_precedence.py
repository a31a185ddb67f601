"""Which of several matches counts first."""

from __future__ import annotations

import random
from typing import Any

import pytest

from sources.gatewayapi.precedence import order


def at(of_type: str, value: str) -> dict[str, Any]:
    return {"path": {"type": of_type, "value": value}}


def headers(*names: str) -> dict[str, Any]:
    return {"headers": [{"name": name, "value": "x"} for name in names]}


def queries(*names: str) -> dict[str, Any]:
    return {"queryParams": [{"name": name, "value": "x"} for name in names]}


OLD, YOUNG, SECOND = ("2020", "b", "b"), ("2021", "a", "a"), ("2020", "b", "c")

FIRST_TO_LAST = [
    (at("Exact", "/longer"), YOUNG, 9, 9),
    (at("Exact", "/a"), OLD, 0, 0),
    (at("RegularExpression", "/[a-z]+"), OLD, 0, 0),
    (at("RegularExpression", "/.*"), OLD, 0, 0),
    (at("PathPrefix", "/a/b") | {"method": "GET"}, YOUNG, 0, 0),
    (at("PathPrefix", "/a/b") | headers("x", "y"), YOUNG, 0, 0),
    (at("PathPrefix", "/a/b") | headers("x") | queries("x"), YOUNG, 0, 0),
    (at("PathPrefix", "/a/b") | headers("x"), YOUNG, 0, 0),
    (at("PathPrefix", "/a/b") | queries("x", "y"), YOUNG, 0, 0),
    (at("PathPrefix", "/a/b") | queries("x"), YOUNG, 0, 0),
    (at("PathPrefix", "/a/b"), OLD, 0, 0),
    (at("PathPrefix", "/a/b"), OLD, 0, 1),
    (at("PathPrefix", "/a/b"), OLD, 1, 0),
    (at("PathPrefix", "/a/b/"), SECOND, 0, 0),
    (at("PathPrefix", "/a/b"), YOUNG, 0, 0),
    (at("PathPrefix", "/a") | {"method": "GET"} | headers("x"), OLD, 0, 0),
    (at("PathPrefix", "/") | {"method": "GET"}, OLD, 0, 0),
    ({}, OLD, 0, 0),
]
"""(match, age, rule, match index), in the order in which they count."""


@pytest.mark.parametrize("seed", range(5))
def test_matches_sort_as_gateway_api_says(rule_of, seed):
    shuffled = random.Random(seed).sample(FIRST_TO_LAST, len(FIRST_TO_LAST))

    def key(entry: Any) -> Any:
        match, age, rule, index = entry
        return order(rule_of({"matches": [match]}).matches[0], age, rule, index)

    assert sorted(shuffled, key=key) == FIRST_TO_LAST
