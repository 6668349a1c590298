"""Rule cases of SISAM."""

from __future__ import annotations

from datetime import date

import polars as pl

from orchestration.intake.spans import KNOWN as KNOWN_SCHEMA
from rule_cases.changes import Change, Frames, every, frame, put
from rule_cases.person import GIRL, person_cases

FLOW, SENDER = "SISAM", "10502"
PERIOD = date(2013, 1, 1), date(2013, 3, 31)
TODAY = date(2013, 3, 20)  # sent before the quarter ends
C = "case"


def right() -> Frames:
    case = {
        "operation": "I", "case_id": "MIN-2013-0007", **GIRL, "report_on": "2013-01-21", "reporter_type_code": "06",
        "report_reason_code": "2", "taking_in_charge_on": "2013-02-04", "intervention_code": "2",
        "court_measure_code": "N", "closed_on": "2013-03-15", "closure_reason_code": "1",
    }  # fmt: skip
    # reported again on the day of the closure, not yet taken in charge
    again = {
        **case, "case_id": "MIN-2013-0011", "report_on": "2013-03-15", "taking_in_charge_on": None,
        "intervention_code": None, "closed_on": None, "closure_reason_code": None,
    }  # fmt: skip
    return {C: frame(FLOW, C, (), [{"record_number": 1, **case}, {"record_number": 2, **again}])}


#: What earlier deliveries have said, for the rule that looks back.
KNOWN = {
    "SISAM-509": pl.DataFrame(
        [(SENDER, "MIN-2013-0007", "RSSMRA50A01A944C", date(2013, 1, 21), None, date(2013, 1, 1))],
        schema=KNOWN_SCHEMA,
        orient="row",
    ),
}

CASES: dict[str, Change] = {
    **person_cases(FLOW, C, "BNCGLI03E50Z999B", "2013-01-22"),
    "SISAM-101": put(C, operation=None),
    "SISAM-102": put(C, operation="X"),
    "SISAM-105": put(C, case_id=None),
    "SISAM-106": put(C, case_id="MIN 7"),
    "SISAM-110": put(C, report_on=None),
    "SISAM-111": put(C, report_on="2013-02-30"),
    "SISAM-112": put(C, report_on="2013-04-01"),
    "SISAM-113": put(C, report_on="2013-03-21"),
    "SISAM-120": put(C, reporter_type_code=None),
    "SISAM-121": put(C, reporter_type_code="6"),
    "SISAM-122": put(C, report_reason_code=None),
    "SISAM-123": put(C, report_reason_code="8"),
    "SISAM-130": put(C, taking_in_charge_on="ieri"),
    "SISAM-131": put(C, taking_in_charge_on="2013-01-20"),
    "SISAM-132": put(C, taking_in_charge_on="2013-03-21"),
    "SISAM-133": put(C, intervention_code=None),
    "SISAM-134": put(C, intervention_code="8"),
    "SISAM-140": put(C, court_measure_code=None),
    "SISAM-141": put(C, court_measure_code="1"),
    "SISAM-150": put(C, closed_on="15/03/2013"),
    "SISAM-151": put(C, closed_on="2013-01-20"),
    "SISAM-152": put(C, closed_on="2013-02-03"),
    "SISAM-153": put(C, closed_on="2013-03-21"),
    "SISAM-154": put(C, closure_reason_code=None),
    "SISAM-155": put(C, closure_reason_code="5"),
    "SISAM-156": put(C, closed_on=None),
    "SISAM-160": put(C, birth_date="1995-01-21"),
    "SISAM-161": put(C, birth_date="1992-01-21", court_measure_code="S"),
    "SISAM-501": put(C, report_on="2012-12-31"),
    "SISAM-502": put(C, report_reason_code="5"),
    "SISAM-503": put(C, report_reason_code="6"),
    "SISAM-504": put(C, report_on="2012-02-03"),
    "SISAM-505": put(C, 1, intervention_code="1"),
    "SISAM-506": put(C, closure_reason_code="2"),
    "SISAM-507": put(C, 1, birth_date="1992-03-31"),
    "SISAM-508": put(C, 1, report_on="2013-03-14"),
    "SISAM-509": every(),
    "SISAM-401": put(C, report_on="1979-12-31"),
    "SISAM-580": put(C, case_id="BO-rssmra50a01a944c"),
}  # fmt: skip
