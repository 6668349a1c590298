"""Schedules: when the windows of the contracts close, all that is pending is taken in and checked.

The sensor takes files in as they come; a schedule is the second chance for what a failed run left behind, and the
moment at which a sender who has not delivered is noticed. The days come from the contracts, times are those of the
region.
"""

from __future__ import annotations

import dagster as dg

from orchestration.defs.jobs import CHECK_DATASETS, RUN_ALL
from orchestration.intake.contract import Contract, flow_codes, load_contract

TIMEZONE = "Europe/Rome"
#: On the evening of the day: files that came during it still count.
CLOSING_HOUR = 22
#: February's last day stands for days it does not have.
LAST_DAY_EVERY_MONTH = 28


def closing_times(day: int) -> list[str]:
    """Cron lines for the evening of a day of every month, whatever the month's length."""
    if day <= LAST_DAY_EVERY_MONTH:
        return [f"0 {CLOSING_HOUR} {day} * *"]
    if day <= 30:
        return [f"0 {CLOSING_HOUR} {day} 1,3-12 *", f"0 {CLOSING_HOUR} {LAST_DAY_EVERY_MONTH} 2 *"]
    raise ValueError(f"a window that closes {day} days after a month has no day of the month")


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
        cron_schedule=[line for day in days for line in closing_times(day)],
        execution_timezone=TIMEZONE,
        description=f"{contract.name}: first window closes {days[0]} days after the period, corrections {days[-1]}.",
    )
