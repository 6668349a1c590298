"""Schedules close the windows that the contracts declare, also in February."""

from __future__ import annotations

from datetime import date, datetime, timedelta
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
    assert _days(schedules.closing_times("month", day), 2013) == expected


@pytest.mark.parametrize(
    ("kind", "days", "expected"),
    [
        ("quarter", 45, [(2, 14), (5, 15), (8, 14), (11, 14)]),
        ("half_year", 60, [(3, 1), (8, 29)]),
        ("month", 40, None),
    ],
)
def test_a_window_of_more_than_a_month_closes_once_after_each_period(kind: str, days: int, expected: list) -> None:
    found = _days(schedules.closing_times(kind, days), 2014)
    assert found == expected if expected else len(found) == 12
    ends = [date(2013, 12, 31), date(2014, 6, 30)]
    assert all(((end + timedelta(days)).month, (end + timedelta(days)).day) in found for end in ends)


def test_windows_of_the_flows_are_those_of_the_specification() -> None:
    found = {each.name: each for each in schedules.schedules()}
    windows = {
        "run_all_iass_windows": {(7, 15), (7, 30)},
        "run_all_naar_windows": {(7, 5), (7, 10)},
        "run_all_adi1_windows": {(7, 10), (7, 20)},
        "run_all_adi2_windows": {(7, 10), (7, 20)},
        "run_all_far1_windows": {(7, 30)},
        "run_all_far2_windows": {(7, 30)},
        "run_all_sisam_windows": {(7, 30)},
        "run_all_smac_windows": {(7, 30)},
    }
    assert set(found) == {*windows, "check_datasets_daily"}
    for name, days in windows.items():
        july = {(month, day) for month, day in _days(list(found[name].cron_schedule), 2013) if month == 7}
        assert july == days, name
    assert all(ZoneInfo(each.execution_timezone or "") for each in found.values()), "times are those of the region"
