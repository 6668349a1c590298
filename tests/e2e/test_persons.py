"""One sex, one citizenship and one age band per person and period on the built region: whatever is counted by them
adds up to the persons of the territory and period, in marts, reports and open data."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from orchestration.disclosure import cells, system, tables
from orchestration.disclosure.cells import Period
from orchestration.disclosure.tables import TOTAL
from orchestration.settings import Settings
from orchestration.warehouse import connection

CELL = "period_type, period_start_on, territory_level, territory_code"
#: The persons of a cell, and how a mart that is cut by what they are adds up to them.
TOTALS = (
    f"select {CELL}, '' as part, n_persons as n from mart_demand.contact_monthly where n_persons > 0",
    f"select {CELL}, '', n_persons from mart_target_group.target_group_monthly where report_target_code = 'TOT'",
)
ADDED = f"select {CELL}, '', sum(n_persons)::bigint from mart_target_group.person_monthly group by 1, 2, 3, 4"
OF_A_TARGET = (
    f"select {CELL}, report_target_code, n_persons from mart_target_group.target_group_monthly"
    " where report_target_code <> 'TOT' and sex_code = 'TOT' and age_band_code = 'TOT'"
)
ADDED_IN_A_TARGET = [
    f"select {CELL}, report_target_code, sum(n_persons)::bigint from mart_target_group.target_group_monthly"
    f" where report_target_code <> 'TOT' and {cut} group by 1, 2, 3, 4, 5"
    for cut in (
        "sex_code <> 'TOT' and age_band_code = 'TOT'",
        "sex_code = 'TOT' and age_band_code <> 'TOT'",
        "sex_code <> 'TOT' and age_band_code <> 'TOT'",
    )
]
IN_CHARGE = "month_on, territory_level, territory_code, service_level, service_code"


def _rows(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with connection.connect(settings, "analyst") as conn:
        return sorted(conn.execute(query.encode()).fetchall())


def test_persons_of_every_cell_are_the_sum_of_what_they_are(built: Settings) -> None:
    totals, others = (_rows(built, query) for query in TOTALS)
    assert totals == others
    assert len(totals) > 100
    assert _rows(built, ADDED) == totals


def test_persons_of_a_target_are_the_sum_of_their_sexes_and_ages(built: Settings) -> None:
    totals = _rows(built, OF_A_TARGET)
    assert len(totals) > 100
    for query in ADDED_IN_A_TARGET:
        assert _rows(built, query) == totals


def test_persons_in_charge_are_the_sum_of_their_sexes_and_ages(built: Settings) -> None:
    whole = "sex_code = 'TOT' and age_band_code = 'TOT'"
    totals = _rows(built, f"select {IN_CHARGE}, n_persons from mart_offer.in_charge_monthly where {whole}")
    assert len(totals) > 100
    for cut in (
        "sex_code <> 'TOT' and age_band_code = 'TOT'",
        "sex_code = 'TOT' and age_band_code <> 'TOT'",
        "sex_code <> 'TOT' and age_band_code <> 'TOT'",
    ):
        added = f"select {IN_CHARGE}, sum(n_persons)::bigint from mart_offer.in_charge_monthly where {cut}"
        assert _rows(built, f"{added} group by 1, 2, 3, 4, 5") == totals


def test_the_registry_says_what_a_registered_person_is(built: Settings) -> None:
    """In every period, by its version of the last day: age in completed years, from the month of birth."""
    wrong = _rows(
        built,
        """
        select count(*), count(*) filter (where person.sex_code <> registered.sex_code
            or not extract(year from age(period.end_on, registered.birth_month_on))
                between band.age_from and band.age_to)
        from mart_target_group.person_period as person
        cross join lateral (
            select (period_start_on + case period_type when 'month' then interval '1 month' when 'quarter' then interval
                '3 months' when 'half_year' then interval '6 months' else interval '1 year' end)::date - 1 as end_on
        ) as period
        inner join core.dim_person as registered on registered.person_source = 'registry'
            and registered.person_key = person.person_key and period.end_on between registered.valid_from
            and registered.valid_to and registered.sex_code <> '-1' and registered.birth_month_on is not null
        inner join core.dim_age_band as band on band.age_band_code = person.age_band_code
        """,
    )
    ((n, n_wrong),) = wrong
    assert n > 100
    assert n_wrong == 0


@pytest.fixture(scope="module")
def report(built: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("persons")
    arguments = ("report", "build", "--report", "attivita", "--period", "2013-H1", "--out", str(out))
    places = [each for place in ("080", "080105", "10502") for each in ("--territory", place)]
    done = subprocess.run(
        [str(Path(sys.executable).with_name("iass")), *arguments, *places],
        env={**os.environ, **built.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.parametrize("table", ["T7", "T8", "T9", "T10"])
def test_rows_and_columns_of_a_report_add_up_to_its_persons(report: Path, table: str) -> None:
    files = list(report.rglob(f"csv/{table}.csv"))
    assert len(files) == 3
    for path in files:
        with path.open(encoding="utf-8-sig", newline="") as file:
            *parts, total = csv.DictReader(file)
        assert total["label"] == "Totale persone"
        with path.with_name("T6.csv").open(encoding="utf-8-sig", newline="") as file:
            persons = next(row["n"] for row in csv.DictReader(file) if row["label"] == "Totale persone")
        counts = [name for name in total if name not in ("label", "share") and total[name].isdigit()]
        for name in counts:
            assert sum(int(row[name] or 0) for row in parts) == int(total[name]), (path, name)
        whole = "n" if table == "T10" else "total"
        assert total[whole] == persons
        if table != "T10":
            assert all(sum(int(row[name] or 0) for name in counts if name != whole) == int(row[whole]) for row in parts)
        if "share" in total:
            assert sum(float(row["share"] or 0) for row in parts) == pytest.approx(100)


def test_open_data_of_a_year_are_those_of_the_mart(built: Settings) -> None:
    period = Period("2013")
    plan = tables.load().for_periods(period.types)
    where = cells.places(built, period)
    every = cells.count(built, plan, period, where)
    # Who attacks a release may add these parts up, so the protection has to know that they do.
    value = every["value"].to_numpy()
    tied = system.build(every, plan, where.ausl_of)
    assert all(value[less] <= value[more] for less, more in tied.at_most)
    exact = [each for each in tied.relations if every["measure"][each.whole] == "persons" and not each.is_distinct]
    assert exact
    assert all(value[list(each.parts)].sum() == value[each.whole] for each in exact)
    counted = every.filter(measure="persons")
    for by in (("sex", "age_band"), ("sex", "citizenship"), ("citizenship", "age_band")):
        other = ({"sex", "age_band", "citizenship"} - set(by)).pop()
        found = counted.filter(
            (pl.col("period_type") == "year")
            & (pl.col("level") != "district")
            & pl.all_horizontal(pl.col(name) != TOTAL for name in by)
            & (pl.col(other) == TOTAL)
        )
        columns = {"sex": "sex_code", "age_band": "age_band_code", "citizenship": "citizenship_group"}
        mart = _rows(
            built,
            f"select territory_code, {', '.join(columns[name] for name in by)}, sum(n_persons)::bigint"
            " from mart_target_group.person_monthly where period_type = 'year' and territory_level <> 'district'"
            " group by 1, 2, 3",
        )
        # The mart has an AUSL that was to come too, for series on the same territory.
        published = set(where.codes("ausl")) | set(where.codes("region"))
        assert sorted(found.select("place", *by, "value").rows()) == [row for row in mart if row[0] in published]
