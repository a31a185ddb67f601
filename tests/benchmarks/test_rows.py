"""Statistics of a run: medians, ratios with their spread, quantiles, goals, tables."""

from __future__ import annotations

from math import inf

import msgspec
import pytest
from msgspec.structs import replace

from benchmarks.client.arrival import Arrivals, Spread
from benchmarks.result.goal import GOALS, Goal
from benchmarks.result.page import as_markdown
from benchmarks.result.row import Ratio, Row, best, ratio
from benchmarks.result.run import Run
from benchmarks.result.table import Sheet, compared, number

CELL = {"proxies": 100, "dialect": "delta"}


def row(server="legation", *samples, cell=CELL, unit="ms", metric="p99", scenario="S3"):
    return Row(scenario, cell, server, metric, unit, samples)


def run(*rows):
    return Run({"CPU": "a fast one"}, {"legation": "1"}, "abc", 1, rows)


class TestRatio:
    def test_it_is_made_run_by_run(self):
        assert ratio(row("legation", 1.0, 2.0, 6.0), row("peer", 2.0, 2.0, 3.0)) == Ratio(1.0, 0.5, 2.0)

    def test_there_is_none_to_nothing(self):
        assert ratio(row("legation", 1.0), row("peer", 0.0)) == (inf, inf, inf)
        assert ratio(row("legation", 0.0), row("peer", 0.0)) is None

    @pytest.mark.parametrize(("unit", "server"), [("ms", "a"), ("updates/s", "b")])
    def test_the_best_is_the_least_or_for_rates_the_most(self, unit, server):
        found = best([row("a", 1.0, unit=unit), row("b", 3.0, unit=unit)])
        assert found is not None
        assert found.server == server

    def test_ours_is_compared_with_the_best_of_the_others(self):
        rows = [row("legation", 1.0, 1.0), row("a", 4.0, 2.0), row("b", 10.0, 10.0)]
        assert compared(rows) == "0.38 (0.25..0.50)"
        assert compared(rows[1:]) == ""


class TestTimes:
    def test_a_quantile_is_a_time_that_happened(self):
        assert Spread.of(range(1, 101)) == Spread(100, 50, 90, 99, 100)
        assert Spread.of([7]) == Spread(1, 7, 7, 7, 7)
        assert Spread.of([]) == Spread()

    def test_a_proxy_that_sees_a_change_has_those_before_it(self):
        arrivals = Arrivals()
        arrivals.add(0, 1, 100)
        arrivals.add(1, 3, 300)
        found = arrivals.latencies({1: 40, 2: 60, 3: 80})
        assert found.last == {1: 60, 2: 240, 3: 220}
        assert found.every == Spread(3, 220, 240, 240, 240)

    def test_what_is_not_asked_about_is_left_out(self):
        arrivals = Arrivals()
        arrivals.add(0, 5, 100)
        assert arrivals.latencies({4: 0}).last == {4: 100}


class TestTable:
    def test_what_all_lines_share_stands_above_them(self):
        sheet = Sheet.of([row("legation", 1.0), row("peer", 2.0), row("legation", 3.0, cell={**CELL, "proxies": 500})])
        assert sheet.common == {"dialect": "delta"}
        assert sheet.head == ["proxies", "", "legation", "peer", "ratio to the best peer"]
        assert sheet.lines == [["100", "p99", "1 ms", "2 ms", "0.50"], ["500", "p99", "3 ms", "", ""]]

    def test_one_server_is_compared_with_nobody(self):
        assert Sheet.of([row("peer", 2.0)]).head == ["", "peer"]

    @pytest.mark.parametrize(
        ("value", "text"), [(0.123, "0.12 ms"), (12.345, "12.3 ms"), (1234.5, "1,234 ms"), (7.0, "7 ms"), (0, "0 ms")]
    )
    def test_numbers_have_three_figures(self, value, text):
        assert number(value, "ms") == text


class TestGoals:
    RATIO = Goal("faster", "S3", "p99", {"proxies": 100}, 0.5, "the best peer")

    def test_a_ratio_to_the_best_of_the_others(self):
        rows = [row("legation", 1.0, 1.0), row("a", 4.0, 4.0), row("b", 2.0, 5.0)]
        assert self.RATIO.line(run(*rows)) == ["faster", "<= 0.50", "0.35 (0.20..0.50)", "yes"]

    def test_one_that_is_missed_says_so(self):
        assert self.RATIO.line(run(row("legation", 3.0), row("a", 4.0)))[2:] == ["0.75", "no"]

    def test_one_that_nobody_measured_says_so(self):
        assert self.RATIO.line(run(row("legation", 3.0)))[2:] == ["not measured", ""]
        assert self.RATIO.line(run())[2:] == ["not measured", ""]

    def test_a_number_by_itself_has_its_unit(self):
        assert Goal("soon", "S3", "p99", CELL, 50.0).line(run(row("legation", 60.0))) == ["soon", "<= 50 ms", "60 ms", "no"]

    def test_a_ratio_to_ours_in_another_cell(self):
        rows = [row("legation", 3.0, cell={**CELL, "stuck": one}) for one in ("mute", "nobody")]
        assert Goal("same", "S3", "p99", {"stuck": "mute"}, 1.2, {"stuck": "nobody"}).line(run(*rows))[2:] == ["1", "yes"]

    def test_a_rate_is_to_be_at_least_something(self):
        goal = Goal("many", "S3", "p99", CELL, 1.0, "the best peer", least=True)
        assert goal.line(run(row("legation", 3.0, unit="updates/s"), row("a", 2.0, unit="updates/s")))[1:] == [
            ">= 1",
            "1.50",
            "yes",
        ]


def test_the_page_has_every_goal_every_row_and_the_pictures():
    page = as_markdown(run(row("legation", 3.0), row("a", 4.0)), {"S3": "propagation"}, ["pictures/latency.svg"])
    assert all(goal.what in page for goal in GOALS)
    assert "## S3 propagation" in page
    assert "|  | legation | a | ratio to the best peer |" in page
    assert "| p99 | 3 ms | 4 ms | 0.75 |" in page
    assert "![latency](pictures/latency.svg)" in page


def test_a_run_can_be_read_as_it_was_written(tmp_path):
    file = tmp_path / "run.json"
    file.write_bytes(run(row("legation", 3.0)).as_json())
    assert Run.read(file) == run(row("legation", 3.0))
    file.write_text("{}")
    with pytest.raises(msgspec.ValidationError):
        Run.read(file)


def test_a_page_keeps_what_it_has_of_other_scenarios():
    old = run(row("legation", 3.0), row("legation", 5.0, scenario="S5"))
    new = replace(run(row("legation", 4.0, scenario="S5")), commit="new")
    both = new.over(old, ("S3", "S5"))
    assert [(one.scenario, one.samples) for one in both.rows] == [("S3", (3.0,)), ("S5", (4.0,))]
    assert both.earlier == {"S3": old.commit}
    assert f"commit new (S3: {old.commit})" in as_markdown(both, {"S3": "propagation", "S5": "memory"}, [])
    assert replace(new, commit="newer").over(both, ("S3", "S5")).earlier == {"S3": old.commit}
