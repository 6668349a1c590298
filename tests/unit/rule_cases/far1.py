"""Rule cases of FAR1."""

from __future__ import annotations

from datetime import date

import polars as pl

from rule_cases.changes import LONG, Change, Frames, drop, every, put
from rule_cases.of_services import SENDER as SENDER
from rule_cases.of_services import TODAY as TODAY
from rule_cases.of_services import again, codes, days, example, operation_cases, person_cases

FLOW = "FAR1"
PERIOD = date(2013, 1, 1), date(2013, 3, 31)
R, V = "admission", "assessment"


def right() -> Frames:
    return example(FLOW)


OTHER = {
    "FAR1-560": {
        "open_stay": pl.DataFrame({"open_stay_id": ["080105/000124/0"], "other_open_stay_id": ["080105/000124/0"]})
    }
}

CASES: dict[str, Change] = {
    **operation_cases(FLOW, R),
    **person_cases(FLOW, R, 30),
    **days(FLOW, R, "admission_on", "120", "121"),
    **codes(FLOW, R, "service_type_code", "124", "125", "R4"),
    **codes(FLOW, R, "origin_type_code", "170", "171", "8"),
    **codes(FLOW, R, "applicant_type_code", "172", "540", "8"),
    **days(FLOW, V, "assessed_on", "190", "191"),
    **codes(FLOW, V, "assessment_type_code", "193", "552", "8"),
    **codes(FLOW, V, "social_level_code", "194", "195", "4"),
    "FAR1-113": put(R, facility_code=None),
    "FAR1-114": put(R, facility_code="080105000"),
    "FAR1-122": put(R, admission_on="2013-04-01"),
    "FAR1-123": put(R, admission_on="2013-05-01"),
    "FAR1-135": put(R, family_name=LONG),
    "FAR1-136": put(R, given_name=LONG),
    "FAR1-142": put(R, birth_date="12/07/1935"),
    "FAR1-143": put(R, birth_date="2013-02-11"),
    "FAR1-144": put(R, birth_date="1892-02-01"),
    "FAR1-145": put(R, birth_date=None, birth_year="35"),
    "FAR1-146": put(R, birth_date=None, birth_year="2014"),
    "FAR1-147": put(R, birth_date=None),
    "FAR1-180": drop(V),
    "FAR1-181": again(V),
    "FAR1-192": put(V, assessed_on="2013-05-01"),
    "FAR1-510": put(R, admission_on="2012-12-31"),
    "FAR1-526": put(R, birth_date="1935-07-13"),
    "FAR1-527": put(R, family_name="BIANCHI"),
    "FAR1-528": put(R, family_name="VERDI 2"),
    "FAR1-535": put(R, given_name="XXX"),
    "FAR1-529": put(R, birth_date="1985-07-12"),
    "FAR1-550": put(V, assessed_on="2013-03-11"),
    "FAR1-551": put(V, assessed_on="2012-02-09"),
    "FAR1-560": every(),
    "FAR1-400": put(R, birth_date="1849-12-31"),
    "FAR1-401": put(R, admission_on="1949-12-31"),
    "FAR1-402": put(V, assessed_on="1949-12-31"),
}
