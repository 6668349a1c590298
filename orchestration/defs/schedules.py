"""Schedules: when the windows of the contracts close, all that is pending is taken in and checked.

The sensor takes files in as they come; a schedule is the second chance for what a failed run left behind, and the
moment at which a sender who has not delivered is noticed. The days come from the contracts, times are those of the
region.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

import dagster as dg

from orchestration import clock
from orchestration.defs.jobs import CHECK_DATASETS, RUN_ALL
from orchestration.intake.contract import Contract, flow_codes, load_contract

TIMEZONE = clock.ZONE_NAME
#: On the evening of the day: files that came during it still count.
CLOSING_HOUR = 22
#: February's last day stands for days it does not have.
LAST_DAY_EVERY_MONTH = 28
#: Any year without a leap day, and none after it.
COMMON_YEAR = 2013


#: Months in which a period of each kind ends.
ENDS = {"day": range(1, 13), "month": range(1, 13), "quarter": (3, 6, 9, 12), "half_year": (6, 12)}


def closing_times(kind: str, days: int) -> list[str]:
    """Cron lines for the evening of the day that comes so many days after each period. February closes what would close
    on days that it does not have; after a leap day a window may close one day late."""
    if len(ENDS[kind]) == 12 and days <= LAST_DAY_EVERY_MONTH:
        return [f"0 {CLOSING_HOUR} {days} * *"]
    if len(ENDS[kind]) == 12 and days <= 30:
        return [f"0 {CLOSING_HOUR} {days} 1,3-12 *", f"0 {CLOSING_HOUR} {LAST_DAY_EVERY_MONTH} 2 *"]
    months: dict[int, list[int]] = {}
    for month in ENDS[kind]:
        closes = date(COMMON_YEAR, month, monthrange(COMMON_YEAR, month)[1]) + timedelta(days)
        months.setdefault(closes.day, []).append(closes.month)
    return [f"0 {CLOSING_HOUR} {day} {','.join(map(str, sorted(found)))} *" for day, found in sorted(months.items())]


def schedules() -> list[dg.ScheduleDefinition]:
    """One schedule for each periodic flow, and one that looks at the calendar every day."""
    contracts = [load_contract(code) for code in flow_codes()]
    return [
        *(_windows(contract) for contract in contracts if contract.windows.first_days),
        dg.ScheduleDefinition(
            name=f"{CHECK_DATASETS}_daily",
            job_name=CHECK_DATASETS,
            cron_schedule="0 7 * * *",
            execution_timezone=TIMEZONE,
            description="Who is silent, and what is behind the calendar, also on days without deliveries.",
        ),
    ]


def _windows(contract: Contract) -> dg.ScheduleDefinition:
    days = [day for day in (contract.windows.first_days, contract.windows.correction_days) if day]
    return dg.ScheduleDefinition(
        name=f"{RUN_ALL}_{contract.flow_code.lower()}_windows",
        job_name=RUN_ALL,
        cron_schedule=[line for day in days for line in closing_times(contract.period_kind, day)],
        execution_timezone=TIMEZONE,
        description=f"{contract.name}: first window closes {days[0]} days after the period, corrections {days[-1]}.",
    )
