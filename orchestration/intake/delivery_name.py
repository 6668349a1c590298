"""What the name of a file says: flow, sender, period, progressive; and which of it is wrong.

The form of names and periods belongs here; whether a progressive fits the ledger does not (see `ledger`).
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration.intake import landing
from orchestration.intake.contract import Contract, flow_codes, load_contract
from orchestration.intake.reference import senders

_NAME = re.compile(
    r"(?P<flow>[A-Z][A-Z0-9]*)_(?P<sender>[0-9]+)_(?P<period>[0-9A-Z-]+)_(?P<progressive>[0-9]{3})"
    r"\.(?P<format>xml|csv)(?P<packed>\.gz|\.zip)?"
)
_PERIODS = {
    "month": re.compile(r"([0-9]{4})-([0-9]{2})"),
    "day": re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})"),
    "quarter": re.compile(r"([0-9]{4})-Q([1-4])"),
    "half_year": re.compile(r"([0-9]{4})-H([12])"),
}
#: No flow is older; an earlier year is a slip of the keyboard.
FIRST_YEAR = 2000


@dataclass(frozen=True)
class DeliveryName:
    """The parts of a name that could be understood, and the conditions that speak against it."""

    file_name: str  # as it can be printed and stored (`landing.shown`)
    flow_code: str | None = None
    sender_code: str | None = None
    period_code: str | None = None
    period_start_on: date | None = None
    period_end_on: date | None = None
    progressive: int | None = None
    conditions: tuple[str, ...] = ()


def period(kind: str, code: str) -> tuple[date, date] | None:
    """First and last day of a period as senders write it; None when it is not one."""
    found = _PERIODS[kind].fullmatch(code)
    if not found:
        return None
    year, *rest = map(int, found.groups())
    try:
        if year < FIRST_YEAR:
            return None
        if kind == "day":
            day = date(year, *rest)
            return day, day
        months = {"month": 1, "quarter": 3, "half_year": 6}[kind]
        first_month = (rest[0] - 1) * months + 1
        last_month = first_month + months - 1
        return date(year, first_month, 1), date(year, last_month, calendar.monthrange(year, last_month)[1])
    except (ValueError, calendar.IllegalMonthError):
        return None


def parse(path: Path, today: date) -> DeliveryName:
    """Understand a file name as far as it goes. Never raises: what is wrong stands in `conditions`."""
    file_name = landing.shown(path.name)
    found = _NAME.fullmatch(path.name)
    if not found:
        return DeliveryName(
            file_name, _known_flow(path.name.partition("_")[0]), _guess_sender(path), conditions=("bad_file_name",)
        )
    flow_code = _known_flow(found["flow"])
    if flow_code is None:
        return DeliveryName(file_name, sender_code=_guess_sender(path), conditions=("unknown_flow",))
    contract = load_contract(flow_code)
    conditions = []
    if found["format"] != contract.file_format:
        conditions.append("bad_file_name")
    conditions += _sender_conditions(contract, found["sender"])
    days = period(contract.period_kind, found["period"])
    if days is None:
        conditions.append("period_malformed")
    elif days[0] > today:
        conditions.append("period_in_future")
    if int(found["progressive"]) == 0:
        conditions.append("bad_file_name")
    return DeliveryName(
        file_name,
        flow_code,
        found["sender"] if found["sender"] in _all_senders() else _guess_sender(path),
        found["period"] if days else None,
        days[0] if days else None,
        days[1] if days else None,
        int(found["progressive"]),
        tuple(dict.fromkeys(conditions)),
    )


def _known_flow(code: str) -> str | None:
    return code if code in flow_codes() else None


def _all_senders() -> frozenset[str]:
    return senders("district") | senders("ausl") | senders("region")


def _sender_conditions(contract: Contract, sender: str) -> list[str]:
    if sender not in _all_senders():
        return ["unknown_sender"]
    return [] if sender in senders(contract.sender_kind) else ["sender_not_of_flow"]


def _guess_sender(path: Path) -> str | None:
    """Who should get the receipt of a file whose name says no sender: the name's parts, else its landing folder."""
    for part in (*path.name.split("_"), path.parent.name):
        if part in _all_senders():
            return part
    return None
