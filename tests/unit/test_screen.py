"""JSON that a script can read, whatever a command's answer is made of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType

import polars as pl
import pytest

from orchestration import screen


@dataclass(frozen=True)
class Answer:
    name: str
    day: date
    path: Path
    parts: tuple[int, ...]


def test_json_of_everything_that_commands_answer(capsys: pytest.CaptureFixture[str]) -> None:
    screen.json(
        {
            "one": Answer("è", date(2013, 3, 1), Path("/a"), (1, 2)),
            "frame": pl.DataFrame({"day": [date(2013, 3, 1)], "n": [1]}),
            "at": datetime(2013, 3, 1, 12, tzinfo=UTC),
            "none": None,
            "mapping": MappingProxyType({1: 2.5}),
        }
    )
    shown = capsys.readouterr().out
    assert "è" in shown
    assert json.loads(shown) == {
        "one": {"name": "è", "day": "2013-03-01", "path": "/a", "parts": [1, 2]},
        "frame": [{"day": "2013-03-01", "n": 1}],
        "at": "2013-03-01T12:00:00+00:00",
        "none": None,
        "mapping": {"1": 2.5},
    }


def test_text_of_senders_is_not_taken_for_markup(capsys: pytest.CaptureFixture[str]) -> None:
    screen.table("T", [{"label": "[red]assistenza[/red]", "n": 1}])
    assert "[red]assistenza[/red]" in capsys.readouterr().out


def test_an_empty_table_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    screen.table("T", [], empty="All is well.")
    assert capsys.readouterr().out == "All is well.\n"
