"""The gate's day is Italy's, whatever the zone of the process."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

import orchestration
from orchestration import clock


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2013, 3, 31, 22, 30, tzinfo=UTC), date(2013, 4, 1)),  # summer time has begun that day
        (datetime(2013, 1, 31, 22, 59, tzinfo=UTC), date(2013, 1, 31)),
        (datetime(2013, 1, 31, 23, 0, tzinfo=UTC), date(2013, 2, 1)),
        (datetime(2013, 1, 31, 13, 30, tzinfo=timezone(timedelta(hours=-10))), date(2013, 2, 1)),
    ],
)
def test_a_moment_has_the_day_that_it_has_in_italy(moment: datetime, day: date) -> None:
    assert clock.today(moment) == day


@pytest.mark.parametrize("zone", ["Pacific/Honolulu", "UTC", "Pacific/Kiritimati"])
def test_the_zone_of_the_process_does_not_matter(zone: str) -> None:
    told = subprocess.run(
        [sys.executable, "-c", "from orchestration import clock; print(clock.today())"],
        env={**os.environ, "TZ": zone},
        capture_output=True,
        text=True,
        check=True,
    )
    around = {clock.today(datetime.now(UTC) + timedelta(minutes=shift)).isoformat() for shift in (-2, 0)}
    assert told.stdout.strip() in around


def test_nobody_asks_the_process_for_the_day() -> None:
    root = Path(orchestration.__file__).parent
    forbidden = ("date.today()", "datetime.now()", "datetime.today()", "datetime.utcnow()", "current_date")
    asking = [
        f"{path.relative_to(root)}: {word}"
        for path in [*root.rglob("*.py"), *root.rglob("*.sql")]
        for word in forbidden
        if word in path.read_text(encoding="utf-8")
    ]
    assert not asking
