"""The state on a terminal of any size, and in a file."""

import io
import re

import pytest
from rich.console import Console
from typer.testing import CliRunner

from bevatron.cli import app
from bevatron.watch.screen import draw, draw_live
from bevatron.watch.snapshot import (
    DashboardState,
    FailureState,
    SearchState,
    Snapshot,
    StageState,
    StudyState,
    TrainingState,
    WorkflowState,
)
from bevatron.watch.words import count, duration, per_second, time_left

NAME = "a_model_with_a_name_of_sixty_characters_which_is_the_longest_"[:60]


def snapshot(n: int) -> Snapshot:
    stages = tuple(
        StageState(stage, 20_000, 19_999, 1, 0, 0, 0) if stage == "simulate" else StageState(stage, 9, 2, 3, 1, 2, 1)
        for stage in ("simulate", "prepare", "manifest", "search", "train", "evaluate", "report_study")
    )
    training = TrainingState(
        "jets", NAME, 0, 2, "running", 1e3, 9999, 1.23456e-10, 12345.6789, -0.5, 1.5e7, 0.99, 9e5, 0.0, "host", None
    )
    return Snapshot(
        time=1e6,
        folder="/x",
        workflow=WorkflowState("running", "demo", "host", 1, None, 5, 20_000, 1e5, 7),
        studies=(
            *(StudyState(f"study_{number}", None, stages, 1e6, 3) for number in range(n)),
            StudyState("colour", "no \x1b[31mfiles", (), 0, 0),
        ),
        trainings=(training,) * n,
        searches=(SearchState("jets", NAME, "running", 100, 50, 8, 7, 0.123456, 3600.0),) * n,
        ray_dashboards=(
            DashboardState("jets", NAME, "http://127.0.0.1:1", "/t", "node", "ssh -L 1:127.0.0.1:1 node", ()),
        ),
        failures=(FailureState("train", "jets", "bad", "a.log", "", ("\x1b[2Jcleared", "x" * 300, "[bold]no markup")),)
        * n,
    )


def lines(renderable, width: int, height: int = 1000) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=width, height=height, markup=False, highlight=False, emoji=False).print(renderable)
    return file.getvalue().splitlines()


@pytest.mark.parametrize("width", [30, 60, 80, 200])
@pytest.mark.parametrize("n", [0, 1, 30])
def test_no_line_is_wider_than_the_terminal_and_nothing_acts_on_it(width, n):
    found = lines(draw(snapshot(n), width), width)
    assert max(map(len, found)) <= width
    assert "\x1b" not in "".join(found)
    if n and width >= 80:
        assert any("[bold]no markup" in line for line in found)
        assert sum("ended" not in line and "jets/a_model" in line for line in found) >= 2 * n
        assert all(re.search(r"study_\d+ .* 100 ?%", line) is None for line in found)  # one of 20,000 is not there


@pytest.mark.parametrize("height", [5, 10, 24, 60])
@pytest.mark.parametrize("n", [0, 1, 30])
def test_the_live_screen_has_the_terminals_height_and_the_keys_in_its_last_line(height, n):
    found = lines(draw_live(snapshot(n), 80, height), 80, height)
    assert len(found) == height
    assert "q: quit" in found[-1]
    assert "running on host" in found[0]
    if n and height >= 24:
        assert any(line.startswith("failed: train jets/bad") for line in found)


def test_colours_are_for_terminals_alone(monkeypatch):
    def printed(**how) -> str:
        file = io.StringIO()
        Console(file=file, width=80, **how).print(draw(snapshot(1), 80))
        return file.getvalue()

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" not in printed()
    assert "\x1b[1;31m" in printed(force_terminal=True, color_system="standard")
    monkeypatch.setenv("NO_COLOR", "1")
    assert ";31m" not in printed(force_terminal=True)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (duration(59), "59 s"), (duration(3000), "50 min"), (duration(7200), "2.0 h"), (duration(1e6), "11.6 d"),
        (duration(None), "–"), (time_left(0, 0), "–"), (time_left(0, 3), "?"), (time_left(60, 3), "≥ 60 s"),
        (count(999, 999), "999/999"), (count(99_999, 100_000), "99.9 %"), (count(2000, 2000), "100 %"),
        (per_second(950), "950"), (per_second(12_345), "12.3k"), (per_second(2.5e6), "2.5M"),
    ],
)  # fmt: skip
def test_numbers_are_short(words, expected):
    assert words == expected


def test_the_command_prints_text_and_json_once(curve, tmp_path, monkeypatch):
    import json

    from workflow_folder import write_project

    monkeypatch.chdir(write_project(tmp_path / "project", curve.study))
    text = CliRunner().invoke(app, ["watch", "--once"])
    assert text.exit_code == 0
    assert text.output.startswith("scale demo: not started")
    assert "curve" in text.output
    found = CliRunner().invoke(app, ["watch", "--json"])
    assert json.loads(found.output)["studies"][0]["study"] == "curve"
