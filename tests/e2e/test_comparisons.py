"""Changes between years compare the same months of the same districts.

The region of the tests has one quarter. So a year before it is written into what the reports read: twice the contacts,
and a month of one district is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from orchestration.reports import definition, source
from orchestration.reports.period import Period
from orchestration.reports.source import Source
from orchestration.settings import Settings
from orchestration.warehouse import connection

DISTRICT, AUSL, REGION = "10502", "080105", "080"
#: January and February of 2012; of the district only January.
YEAR_BEFORE = """
    insert into mart_demand.contact_monthly
    select (jsonb_populate_record(known, jsonb_build_object(
        'period_start_on', (known.period_start_on - interval '1 year')::date, 'year_number', known.year_number - 1,
        'n_contacts', 2 * known.n_contacts,
        'n_deliveries_received',
        case when known.territory_code = '10502' and known.period_start_on = '2013-02-01' then 0
            else known.n_deliveries_received end
    ))).*
    from mart_demand.contact_monthly as known
    where known.period_type = 'month' and known.territory_level = 'district' and known.period_start_on < '2013-03-01'
"""
#: The persons of January asked a year before, too.
DEMANDS_BEFORE = """
    insert into core.fct_demand
    select (jsonb_populate_record(known, jsonb_build_object(
        'demand_key', -10 - known.demand_key, 'contact_on', (known.contact_on - interval '1 year')::date,
        'contact_date_key', known.contact_date_key - 10000
    ))).*
    from core.fct_demand as known where known.contact_on < '2013-02-01'
"""


@pytest.fixture(scope="module")
def compared(copy_built: Callable[[], Settings]) -> Iterator[tuple[Settings, Source]]:
    settings = copy_built()
    with connection.connect(settings, "transformer") as conn:
        conn.execute(YEAR_BEFORE.encode())
        conn.execute(DEMANDS_BEFORE.encode())
    report = definition.load("attivita").of("half_year")
    yield settings, source.read(settings, report, Period(2013, 1))


def _rows(found: Source, table: str, code: str) -> list[dict[str, Any]]:
    frame = found.frames[table]
    return frame.filter(frame["territory_code"] == code).to_dicts()


@pytest.mark.parametrize(("code", "column"), [(DISTRICT, "district_code"), (AUSL, "ausl_code"), (REGION, "'080'")])
def test_a_change_compares_the_same_months_of_the_same_districts(
    compared: tuple[Settings, Source], code: str, column: str
) -> None:
    settings, found = compared
    with connection.connect(settings, "analyst") as conn:
        row = conn.execute(
            "select count(*), sum(now.n_contacts), sum(before.n_contacts) from mart_demand.contact_monthly as now"
            " inner join mart_demand.contact_monthly as before on before.territory_code = now.territory_code"
            " and before.period_type = 'month' and before.period_start_on = now.period_start_on - interval '1 year'"
            f" inner join (select distinct district_code, ausl_code from core.fct_population_month"
            f" where month_on = '2013-01-01') as place on place.district_code = now.territory_code and {column} = %s"
            " where now.period_type = 'month' and now.territory_level = 'district'"
            " and now.n_deliveries_received > 0 and before.n_deliveries_received > 0",
            [code],
        ).fetchone()
    assert row is not None and row[0] > 0
    n_months, after, before = row
    (contacts, *_, per_1000, _) = _rows(found, "T17", code)
    assert contacts["compared"].startswith(f"{n_months} su ")
    expected = pytest.approx(float(100 * (after - before) / before)) if before >= 20 else None
    assert contacts["change"] == expected
    assert contacts["year_0_mark"] and contacts["year_1_mark"], "three months of six pass for the half-year"
    # The same residents of the same months in both years: the rate changes as the count does.
    assert per_1000["label"] == "Contatti per 1.000 residenti" and per_1000["change"] == expected
    (trend,) = _rows(found, "T16a", code)
    assert trend["change"] == expected


def test_months_that_only_one_year_has_change_nothing(compared: tuple[Settings, Source]) -> None:
    """March has no year before; so the change is that of two months, though the column shows all three."""
    contacts, persons, *_ = _rows(compared[1], "T17", REGION)
    assert contacts["change"] == pytest.approx(-50)
    assert contacts["year_0"] > contacts["year_1"] / 2, "the counts of the columns are not those compared"
    # Of the two months of the year before only January has persons: the same as in January of this year.
    assert persons["year_1"] is not None and persons["change"] is not None and persons["change"] > 0
