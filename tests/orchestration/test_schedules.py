"""Schedules close the windows that the contracts declare, also in February."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from dagster._utils.schedules import cron_string_iterator

from orchestration.defs import schedules


def _days(lines: list[str], year: int) -> list[tuple[int, int]]:
    found = []
    for line in lines:
        zone = ZoneInfo(schedules.TIMEZONE)
        for tick in cron_string_iterator(datetime(year, 1, 1, tzinfo=zone).timestamp(), line, schedules.TIMEZONE):
            if tick.year != year:
                break
            found.append((tick.month, tick.day))
    return sorted(found)


@pytest.mark.parametrize(("day", "february"), [(5, 5), (15, 15), (28, 28), (30, 28)])
def test_a_window_closes_once_a_month_all_year(day: int, february: int) -> None:
    expected = [(month, february if month == 2 else day) for month in range(1, 13)]
    assert _days(schedules.closing_times(day), 2013) == expected


def test_a_day_that_most_months_lack_is_refused() -> None:
    with pytest.raises(ValueError, match="no day of the month"):
        schedules.closing_times(45)


def test_windows_of_the_flows_are_those_of_the_specification() -> None:
    found = {each.name: each for each in schedules.schedules()}
    assert set(found) == {"run_all_iass_windows", "run_all_naar_windows", "check_datasets_daily"}
    for name, days in {"run_all_iass_windows": {15, 30}, "run_all_naar_windows": {5, 10}}.items():
        march = {day for month, day in _days(list(found[name].cron_schedule), 2013) if month == 3}
        assert march == days, name
    assert all(ZoneInfo(each.execution_timezone or "") for each in found.values()), "times are those of the region"
