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
        if row["lower_limit"] is None or row["interval_method"] in (
            *("standardised", "estimated", "compound_poisson", "clustered"),
        ):
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


def test_limits_of_contacts_know_that_those_of_one_person_are_not_independent(
    built: Settings, values: list[dict[str, Any]]
) -> None:
    """Wider than Poisson's by the root of the sum of squared contacts of each reporter over the contacts."""
    expected = {}
    for row in _rows(
        built,
        "with reporter as (select district_code, case when is_reporter_identified then reporter_person_key"
        " else -contact_key end as reporter_key, sum(n_contacts) as n from core.fct_contact group by 1, 2)"
        " select district_code, sum(n) as n, sum(n * n) as variance from reporter group by 1",
    ):
        n, variance = float(row["n"]), float(row["variance"])
        expected[row["district_code"]] = n, math.sqrt(variance / n) * (n - stats.chi2.ppf(0.025, 2 * n) / 2)
    found = [
        row
        for row in values
        if row["indicator_code"] == "contacts_per_1000"
        and (row["period_type"], row["territory_level"]) == ("year", "district")
        and row["indicator_value"]
    ]
    assert len(found) > 30
    for row in found:
        n, below = expected[row["territory_code"]]
        assert row["numerator"] == n
        lower = 1000 * (n - below) / row["denominator"]
        assert row["lower_limit"] == pytest.approx(lower, rel=1e-2, abs=1e-2), row
    assert any(below > n - stats.chi2.ppf(0.025, 2 * n) / 2 + 0.5 for n, below in expected.values()), (
        "nobody came twice"
    )


def test_a_period_that_is_not_whole_is_called_partial(values: list[dict[str, Any]]) -> None:
    """The region of the tests has the first quarter of a year."""
    states = {
        (row["period_type"], row["is_whole"], row["reliability"])
        for row in values
        if row["area_code"] in ("access", "demand") and row["indicator_value"] is not None
    }
    assert states >= {("year", False, "partial"), ("half_year", False, "partial"), ("quarter", True, "reliable")}, (
        states
    )
    assert not [state for state in states if state[1] != (state[2] != "partial")]
    region = [row for row in values if row["territory_level"] == "region" and row["period_type"] == "year"]
    expected = {row["n_months_expected"] for row in region if row["area_code"] == "access"}
    assert expected == {12 * 38}, "the year has twelve months of 38 districts"
    of_year = [row for row in values if row["indicator_code"] == "d33za_per_1000"]
    assert of_year and {row["indicator_value"] for row in of_year} == {None}
    assert {row["reliability"] for row in of_year} <= {"partial", "missing"}


def test_standardised_rates_are_those_of_the_strata(built: Settings, values: list[dict[str, Any]]) -> None:
    """Computed again here from persons and residents, stratum by stratum, for every district of the year."""
    persons = _rows(
        built,
        "select d.district_code, p.sex_code, b.age_band_key, count(distinct d.person_key) as n"
        " from core.fct_demand as d inner join mart_target_group.person_period as p"
        " on p.person_key = d.person_key and p.period_type = 'year'"
        " inner join core.dim_age_band as b using (age_band_code) group by 1, 2, 3",
    )
    residents: dict[tuple[str, str, int], float] = defaultdict(float)
    region: dict[tuple[str, int], float] = defaultdict(float)
    # Ages of 2022 in proportion to the residents of 2013, of the months of the year that came.
    for row in _rows(
        built,
        "select p.district_code, p.sex_code, p.age_band_key, p.n * t.residents / sum(p.n) over (partition by"
        " p.district_code) as n, r.n_months from (select district_code, sex_code, age_band_key,"
        " sum(n_residents) as n from core.fct_population where reference_on = '2022-01-01' group by 1, 2, 3) as p"
        " inner join (select territory_code, max(n_residents) as residents from mart_demand.contact_monthly"
        " where year_number = 2013 and territory_level = 'district' group by 1) as t"
        " on t.territory_code = p.district_code inner join (select district_code,"
        " count(*) filter (where is_iass_received) as n_months from quality.dq_coverage_month"
        " where extract(year from month_on) = 2013 group by 1) as r on r.district_code = p.district_code",
    ):
        residents[row["district_code"], row["sex_code"], row["age_band_key"]] += float(row["n"]) * row["n_months"] / 12
        region[row["sex_code"], row["age_band_key"]] += float(row["n"])
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
    assert {code: float(row["indicator_value"]) for code, row in found.items()} == pytest.approx(expected, rel=1e-6)
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
            assert value is None or row["indicator_value"] == pytest.approx(value, rel=1e-9), row


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
    assert answer["n_sequel_open"] > 0 and share["reliability"] in ("partial", "incomplete", "no_cases")


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
    wrong = [row for row in of_far if (row["reliability"] == "missing") != (row["territory_code"] in silent)]
    assert of_far and not wrong, wrong[:3]
    others = [row for row in mine if row["indicator_code"] != "d33za_per_1000"]
    assert not [row for row in others if (row["indicator_value"] is None) != (row["reliability"] == "missing")]
