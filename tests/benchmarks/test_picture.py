"""Pictures show every server as a line, the same for the same run, and need matplotlib."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from benchmarks.cli import bench
from benchmarks.error import BenchError
from benchmarks.result import picture
from benchmarks.result.picture import PICTURES, draw
from benchmarks.result.row import Row
from benchmarks.result.run import Run

SERVERS = ("legation", "somebody else")
MACHINE = {"CPU": "a fast one", "cores": "2"}
VERSIONS = {"legation": "0.1.0 abc1234", "somebody else": "9.9"}


def run(*rows: Row) -> Run:
    return Run(MACHINE, VERSIONS, "abc1234", 1, rows)


def rows(one=PICTURES[0], *, numbers=(1, 100), dialects=("delta",)) -> list[Row]:
    return [
        Row(one.scenario, {"dialect": dialect, one.against: number}, server, one.metric, "ms", (1.0, 3.0, number + 1.0))
        for dialect in dialects
        for number in numbers
        for server in SERVERS
    ]


@pytest.fixture
def matplotlib():
    pytest.importorskip("matplotlib")


def test_every_picture_is_drawn_as_svg_and_png(tmp_path, matplotlib):
    files = draw(run(*(row for one in PICTURES for row in rows(one))), tmp_path / "new")
    assert [file.name for file in files] == [f"{one.name}.{suffix}" for one in PICTURES for suffix in ("svg", "png")]
    assert all(file.read_bytes().startswith((b"<?xml", b"\x89PNG")) for file in files)


def test_it_says_what_was_measured_and_where(tmp_path, matplotlib):
    svg = draw(run(*rows()), tmp_path)[0].read_text()
    for words in (PICTURES[0].title, "delta", *SERVERS, "legation: 0.1.0 abc1234", "somebody else: 9.9", "CPU a fast one"):
        assert f"<!-- {words}" in svg


def test_what_the_cells_vary_in_beside_it_is_a_panel_each(tmp_path, matplotlib):
    svg = draw(run(*rows(dialects=("delta", "sotw", "rest"))), tmp_path)[0].read_text()
    assert svg.count('<g id="axes_') == 3


def test_the_same_run_makes_the_same_svg(tmp_path, matplotlib):
    first, second = (draw(run(*rows()), tmp_path / name)[0].read_bytes() for name in "ab")
    assert first == second


def test_a_picture_of_one_point_is_not_drawn(tmp_path, matplotlib):
    assert draw(run(*rows(numbers=[100])), tmp_path) == []


def test_without_matplotlib_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(picture, "find_spec", lambda _: None)
    with pytest.raises(BenchError, match=r"pip install 'legation\[bench\]'"):
        draw(run(), tmp_path)


def test_that_there_is_no_matplotlib_is_said_before_anything_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(picture, "find_spec", lambda _: None)
    result = CliRunner().invoke(bench, ["S3", "--pictures", str(tmp_path)])
    assert result.exit_code == 2
    assert "pip install 'legation[bench]'" in result.output
