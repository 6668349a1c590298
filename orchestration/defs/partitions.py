"""The periods of the flows and of what is given back as Dagster partitions.

A monthly flow has a partition for each month since the flows began, and so have quarters and half-years: a period
without deliveries is seen as missing. The day of a snapshot or the start of a nomenclature is known only when a
delivery brings it: a day on which nothing was due is not missing, so those partitions are dynamic and added by the
gate.
"""

from __future__ import annotations

from datetime import date

import dagster as dg

from orchestration import clock
from orchestration.intake.contract import Contract
from orchestration.intake.delivery_name import period

#: The first connections of districts (2010).
FIRST_MONTH = "2010-01"
#: Codes of the parts of a year, which Dagster's calendars do not know. Each run and each reload sees the newest.
PARTS_OF_YEAR = {"quarter": ("Q1", "Q2", "Q3", "Q4"), "half_year": ("H1", "H2")}


def of(contract: Contract) -> dg.PartitionsDefinition:
    """The partitions of a flow's raw tables; the key is the period code of the file name."""
    if contract.period_kind == "month":
        return dg.MonthlyPartitionsDefinition(start_date=FIRST_MONTH, fmt="%Y-%m")
    if contract.period_kind in PARTS_OF_YEAR:
        return dg.StaticPartitionsDefinition(parts_of_year(contract.period_kind, clock.today()))
    return dg.DynamicPartitionsDefinition(name=f"{contract.flow_code.lower()}_{contract.period_kind}")


def parts_of_year(kind: str, today: date) -> list[str]:
    """Every quarter or half-year since the flows began that has begun."""
    first_year = int(FIRST_MONTH[:4])
    codes = [f"{year}-{part}" for year in range(first_year, today.year + 1) for part in PARTS_OF_YEAR[kind]]
    return [code for code in codes if (days := period(kind, code)) and days[0] <= today]


def years_and_half_years() -> dg.PartitionsDefinition:
    """What reports and open data are made of: 2013, 2013-H1, 2013-H2."""
    halves = parts_of_year("half_year", clock.today())
    return dg.StaticPartitionsDefinition(sorted({*halves, *(code[:4] for code in halves)}))
