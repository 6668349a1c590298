"""Strategic indicators on the built region: limits as SciPy has them, rates as the facts give them, silence shown."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import pytest
from scipy import stats

from orchestration.settings import Settings
from orchestration.warehouse import connection


def _rows(settings: Settings, query: str) -> list[dict[str, Any]]:
    with connection.connect(settings, "analyst") as conn:
        cursor = conn.execute(query)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.fixture(scope="module")
def values(built: Settings) -> list[dict[str, Any]]:
    return _rows(
        built,
        "select v.*, i.area_code, i.interval_method, i.multiplier from mart_indicator.indicator_value as v"
        " inner join mart_indicator.indicator as i using (indicator_code)",
    )


def test_every_indicator_of_the_catalogue_has_values_and_words(built: Settings, values: list[dict[str, Any]]) -> None:
    catalogue = _rows(built, "select * from mart_indicator.indicator order by indicator_order")
    assert 20 <= len(catalogue) <= 30, f"{len(catalogue)} indicators: thirty are as many as anybody reads"
    areas = {"access", "demand", "answer", "continuity", "supply", "quality"}
    assert {row["area_code"] for row in catalogue} == areas
    assert {row["indicator_code"] for row in catalogue} == {row["indicator_code"] for row in values}
    wordless = [
        (row["indicator_code"], name) for row in catalogue for name in row if name != "caveat_it" and not row[name]
    ]
    assert not wordless


def test_limits_are_those_of_scipy(values: list[dict[str, Any]]) -> None:
    wrong, seen = [], defaultdict(int)
    for row in values:
        if row["lower_limit"] is None or row["interval_method"] in ("standardised", "estimated", "clustered"):
            continue
        n, of, times = float(row["numerator"]), float(row["denominator"]), row["multiplier"]
        if row["interval_method"] == "poisson":
            lower = stats.chi2.ppf(0.025, 2 * n) / 2 if n else 0.0
            expected = (times * lower / of, times * stats.chi2.ppf(0.975, 2 * n + 2) / 2 / of)
            # Exact below 10 cases; Byar's approximation is within half a per cent from there on.
            tolerance = 5e-3 * expected[1] if n >= 10 else 1e-4
        else:
            found = stats.binomtest(int(n), int(of)).proportion_ci(method="wilson")
            expected, tolerance = (times * found.low, times * found.high), 1e-4
        seen[row["interval_method"], n < 10] += 1
        for name, value in zip(("lower_limit", "upper_limit"), expected, strict=True):
            if not math.isclose(float(row[name]), value, abs_tol=tolerance):
                wrong.append((row["indicator_code"], row["territory_code"], n, of, name, row[name], value))
    assert set(seen) == {("poisson", False), ("poisson", True), ("wilson", False), ("wilson", True)}, dict(seen)
    assert not wrong, wrong[:5]


def test_standardised_rates_are_those_of_the_strata(built: Settings, values: list[dict[str, Any]]) -> None:
    """Computed again here from persons and residents, stratum by stratum, for every district of the year."""
    persons = _rows(
        built,
        "with last as (select distinct on (d.district_code, d.person_key) d.district_code, d.person_key,"
        " max(d.sex_code) over (partition by d.district_code, d.person_key) as sex_code, d.age_band_key"
        " from core.fct_demand as d where d.person_key > 0"
        " order by d.district_code, d.person_key, d.contact_on desc, d.demand_key)"
        " select district_code, sex_code, age_band_key, count(*) as n from last group by 1, 2, 3",
    )
    residents: dict[tuple[str, str, int], int] = defaultdict(int)
    region: dict[tuple[str, int], int] = defaultdict(int)
    for row in _rows(
        built,
        "select district_code, sex_code, age_band_key, sum(n_residents) as n from core.fct_population"
        " where reference_on = (select min(reference_on) from core.fct_population) group by 1, 2, 3",
    ):
        residents[row["district_code"], row["sex_code"], row["age_band_key"]] += int(row["n"])
        region[row["sex_code"], row["age_band_key"]] += int(row["n"])
    expected: dict[str, float] = defaultdict(float)
    for row in persons:
        stratum = row["sex_code"], row["age_band_key"]
        if stratum in region:
            weight = region[stratum] / sum(region.values())
            expected[row["district_code"]] += 1000 * weight * row["n"] / residents[row["district_code"], *stratum]
    found = {
        row["territory_code"]: row
        for row in values
        if row["indicator_code"] == "persons_per_1000_standardised"
        and (row["period_type"], row["territory_level"]) == ("year", "district")
        and row["indicator_value"] is not None
    }
    assert len(found) > 30
    assert {code: float(row["indicator_value"]) for code, row in found.items()} == pytest.approx(expected, abs=1e-4)
    assert all(row["lower_limit"] < row["indicator_value"] < row["upper_limit"] for row in found.values())


def test_who_was_silent_is_missing_not_zero(built: Settings, values: list[dict[str, Any]]) -> None:
    silent = {
        (row["period_type"], row["period_start_on"], row["territory_code"])
        for row in _rows(built, "select * from mart_demand.contact_monthly where n_deliveries_received = 0")
    }
    of_deliveries = {"deliveries_received_percent", "deliveries_timely_percent"}
    wrong = [
        row
        for row in values
        if (row["period_type"], row["period_start_on"], row["territory_code"]) in silent
        and row["area_code"] != "supply"
        and row["indicator_code"] not in of_deliveries
        and (row["indicator_value"] is not None or row["reliability"] != "missing")
    ]
    assert not wrong, wrong[:3]
    assert not [row for row in values if row["indicator_value"] is None and row["reliability"] == "reliable"]


def test_quotients_are_what_the_monthly_mart_says(built: Settings, values: list[dict[str, Any]]) -> None:
    monthly = {
        (row["period_type"], row["period_start_on"], row["territory_code"]): row
        for row in _rows(built, "select * from mart_demand.contact_monthly where period_type <> 'month'")
    }
    for code, column in {
        "contacts_per_1000": "contacts_per_1000",
        "persons_per_1000": "persons_per_1000",
        "demands_per_contact": "demands_per_contact",
    }.items():
        mine = [row for row in values if row["indicator_code"] == code]
        assert len(mine) == len(monthly)
        for row in mine:
            value = monthly[row["period_type"], row["period_start_on"], row["territory_code"]][column]
            assert (row["indicator_value"] is None) == (value is None), row
            assert value is None or abs(row["indicator_value"] - value) <= 0.006, row


def test_paths_are_those_of_their_marts_and_provisional_while_requests_are_followed(
    built: Settings, values: list[dict[str, Any]]
) -> None:
    mine = [row for row in values if row["area_code"] == "continuity" and row["territory_level"] == "region"]
    assert len(mine) == 9 and {row["period_type"] for row in mine} == {"year"}
    found = {row["indicator_code"]: row for row in mine}
    answer = _rows(built, "select * from mart_pathway.answer where cut_type = 'all' and territory_level = 'region'")[0]
    share = found["requests_without_sequel_percent"]
    assert (share["numerator"], share["denominator"]) == (answer["n_without_sequel"], answer["n_sequel_known"])
    statuses = ("known", "open", "died", "moved", "not_followable")
    assert answer["n_requests"] == sum(answer[f"n_sequel_{status}"] for status in statuses) > 0
    for row in _rows(
        built, "select * from mart_pathway.waiting_time where cut_type = 'all' and territory_level = 'region'"
    ):
        median = found.get(f"median_days_to_{row['milestone_code'].lower()}")
        assert median is None or median["indicator_value"] == row["median_days"], row
    # Nobody has been followed for 180 days after three months: no share, rather than the share so far.
    shares = [row for row in mine if row["interval_method"] == "estimated"]
    assert len(shares) == 4 and {row["indicator_value"] for row in shares} == {None}
    assert answer["n_sequel_open"] > 0 and share["reliability"] in ("incomplete", "no_cases")


def test_shares_of_paths_are_the_estimates_of_the_longest_window(built: Settings) -> None:
    """After three months every estimate of 180 days is empty, and nothing with nothing compares equal. So requests are
    said to have been followed that long, in a transaction that is taken back."""
    with connection.connect(built, "transformer") as conn:
        conn.execute(
            "update mart_pathway.conversion set estimated_percent = window_days / 10.0"
            " + length(milestone_code), estimated_percent_low = 1.5, estimated_percent_high = 98.5"
            " where cut_type = 'all' and territory_level = 'region'"
        )
        found = conn.execute(
            "select indicator_code, own_value, own_low, own_high from intermediate.int_indicator__continuity"
            " where territory_level = 'region' and indicator_code like 'requests\\_to%' order by 1"
        ).fetchall()
        conn.rollback()
    lengths = {"adi": 3, "far": 3, "sisam": 5, "smac": 4}
    assert found == [(f"requests_to_{code}_percent", 18.0 + n, 1.5, 98.5) for code, n in lengths.items()]


def test_supply_is_missing_where_its_services_were_not_delivered(built: Settings, values: list[dict[str, Any]]) -> None:
    """A territory stands in the indicators of supply by the deliveries of the services, not by those of its desks."""
    mine = [row for row in values if row["area_code"] == "supply"]
    assert {row["indicator_code"] for row in mine} == {
        "persons_in_charge_per_1000", "d33za_per_1000", "amount_per_resident_eur"
    }  # fmt: skip
    silent = {
        row["sender_code"]
        for row in _rows(
            built,
            "select sender_code from quality.dq_coverage where flow_code in ('FAR1', 'FAR2')"
            " group by 1 having bool_or(coverage_status = 'silent')",
        )
    }
    of_far = [row for row in mine if row["indicator_code"] == "d33za_per_1000" and row["territory_level"] == "ausl"]
    wrong = [
        row for row in of_far if (row["reliability"] in ("missing", "incomplete")) != (row["territory_code"] in silent)
    ]
    assert of_far and not wrong, wrong[:3]
    assert not [row for row in mine if (row["indicator_value"] is None) != (row["reliability"] == "missing")]
