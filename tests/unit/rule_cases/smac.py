"""Rule cases of SMAC."""

from __future__ import annotations

from datetime import date

import polars as pl

from orchestration.intake.spans import KNOWN as KNOWN_SCHEMA
from rule_cases.changes import Change, Frames, every, frame, put
from rule_cases.person import WOMAN, person_cases

FLOW, SENDER = "SMAC", "10502"
PERIOD = date(2013, 1, 1), date(2013, 6, 30)
TODAY = date(2013, 6, 15)  # sent before the half-year ends
C = "contract"


def right() -> Frames:
    contract = {
        "operation": "I", "contract_id": "AC-2013-00042", **WOMAN, "care_area_code": "A", "care_level_code": "B",
        "daily_amount_eur": "17.00", "start_on": "2013-02-01", "end_on": "2013-05-31", "end_reason_code": "1",
        "isee_band_code": "2", "carer_contribution_code": "N", "paid_days": "120", "paid_amount_eur": "2040.00",
    }  # fmt: skip
    # the next contract begins on the day after, is open, and its amount is off by exactly the tolerance
    after = {
        **contract, "contract_id": "AC-2013-00043", "start_on": "2013-06-01", "end_on": None, "end_reason_code": None,
        "paid_days": "30", "paid_amount_eur": "515.1",
    }  # fmt: skip
    return {C: frame(FLOW, C, (), [{"record_number": 1, **contract}, {"record_number": 2, **after}])}


def _known(sender: str, contract_id: str, person: str, start_on: date, end_on: date | None, period: date):
    return pl.DataFrame([(sender, contract_id, person, start_on, end_on, period)], schema=KNOWN_SCHEMA, orient="row")


_BEFORE, _MINE = date(2012, 7, 1), str(WOMAN["identifier"])

#: What earlier deliveries have said, for the rules that look back.
KNOWN = {
    "SMAC-561": _known(SENDER, "AC-2013-00042", _MINE, date(2013, 1, 31), None, _BEFORE),
    "SMAC-562": _known(SENDER, "AC-2013-00042", _MINE, date(2013, 2, 1), date(2012, 12, 30), _BEFORE),
    "SMAC-563": _known(SENDER, "AC-2013-00042", "RSSMRA50A01A944C", date(2013, 2, 1), None, _BEFORE),
}

CASES: dict[str, Change] = {
    **person_cases(FLOW, C, "VRDLSN35L52Z999Q", "2013-02-02"),
    "SMAC-101": put(C, operation=None),
    "SMAC-102": put(C, operation="X"),
    "SMAC-105": put(C, contract_id=None),
    "SMAC-106": put(C, contract_id="AC 1"),
    "SMAC-200": put(C, care_area_code=None),
    "SMAC-201": put(C, care_area_code="X"),
    "SMAC-202": put(C, care_level_code=None),
    "SMAC-203": put(C, care_level_code="D"),
    "SMAC-210": put(C, daily_amount_eur=None),
    "SMAC-211": put(C, daily_amount_eur="17,00"),
    "SMAC-212": put(C, daily_amount_eur="0.00"),
    "SMAC-220": put(C, start_on=None),
    "SMAC-221": put(C, start_on="01/02/2013"),
    "SMAC-222": put(C, start_on="2013-07-01", end_on=None),
    "SMAC-223": put(C, 1, start_on="2013-06-20"),
    "SMAC-224": put(C, end_on="mai"),
    "SMAC-225": put(C, end_on="2013-01-31"),
    "SMAC-226": put(C, start_on="2012-02-01", end_on="2012-12-31"),
    "SMAC-227": put(C, end_reason_code="7"),
    "SMAC-228": put(C, end_reason_code=None),
    "SMAC-229": put(C, end_on=None),
    "SMAC-230": put(C, isee_band_code="6"),
    "SMAC-231": put(C, carer_contribution_code=None),
    "SMAC-232": put(C, carer_contribution_code="1"),
    "SMAC-240": put(C, paid_days=None),
    "SMAC-241": put(C, paid_days="120.5"),
    "SMAC-242": put(C, paid_days="182"),
    "SMAC-243": put(C, paid_days="121"),
    "SMAC-244": put(C, paid_amount_eur=None),
    "SMAC-245": put(C, paid_amount_eur="2.040,00"),
    "SMAC-550": put(C, birth_date="1948-02-02"),
    "SMAC-551": put(C, daily_amount_eur="170.00"),
    "SMAC-552": put(C, end_on="2013-07-01"),
    "SMAC-553": put(C, isee_band_code=None),
    "SMAC-554": put(C, paid_days="0"),
    "SMAC-555": put(C, 1, paid_amount_eur="515.11"),
    "SMAC-560": put(C, 1, start_on="2013-05-31"),
    "SMAC-561": every(),
    "SMAC-562": every(),
    "SMAC-563": every(),
    "SMAC-401": put(C, start_on="1989-12-31"),
    "SMAC-580": put(C, contract_id="BO-rssmra50a01a944c"),
}  # fmt: skip
