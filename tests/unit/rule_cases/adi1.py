"""Rule cases of ADI1."""

from __future__ import annotations

from datetime import date

import polars as pl

from rule_cases.changes import Change, Frames, drop, every, put
from rule_cases.of_services import SENDER as SENDER
from rule_cases.of_services import TODAY as TODAY
from rule_cases.of_services import again, codes, days, example, operation_cases, person_cases

FLOW = "ADI1"
PERIOD = date(2013, 3, 1), date(2013, 3, 31)
R, V = "taking_in_charge", "assessment"


def right() -> Frames:
    return example(FLOW)


def assessment_cases(flow: str, table: str) -> dict[str, Change]:
    """What can be wrong with the assessment that both flows carry. The first of each group of fields stands for it."""
    return {
        f"{flow}-200": put(table, main_condition_code=None),
        f"{flow}-201": put(table, concomitant_condition_code="250/0"),
        **codes(flow, table, "family_fragility_code", "202", "203", "3"),
        **codes(flow, table, "oxygen_therapy_need_code", "204", "205", "3"),
        **codes(flow, table, "motor_rehabilitation_code", "206", "207", "4"),
        f"{flow}-552": put(table, autonomy_code="alta"),
        f"{flow}-553": put(table, concomitant_condition_code="4280"),
        f"{flow}-554": no_needs(table),
    }


def no_needs(table: str) -> Change:
    def change(frames: Frames) -> Frames:
        needs = [name for name in frames[table].columns if name.endswith("_need_code")]
        return put(table, **{name: "2" for name in needs})(frames)

    return change


def same_person_twice(frames: Frames) -> Frames:
    more = {name: frame.with_columns(record_number=pl.lit(2, pl.Int64)) for name, frame in frames.items()}
    more[R] = more[R].with_columns(record_id=pl.lit("other"))
    return {name: pl.concat([frame, more[name]]) for name, frame in frames.items()}


OTHER = {"ADI1-560": {"open_care": pl.DataFrame({"open_care_id": ["080105/0"], "other_open_care_id": ["080105/0"]})}}

CASES: dict[str, Change] = {
    **operation_cases(FLOW, R),
    **person_cases(FLOW, R, 88),
    **assessment_cases(FLOW, V),
    **codes(FLOW, R, "identifier_validity_code", "136", "137", "2"),
    **days(FLOW, R, "started_on", "120", "121"),
    **codes(FLOW, R, "n_cohabitants", "170", "171", "due"),
    **codes(FLOW, R, "live_in_carer_code", "172", "173", "3"),
    **codes(FLOW, R, "applicant_type_code", "174", "175", "14"),
    **codes(FLOW, R, "care_type_code", "176", "177", "3"),
    **days(FLOW, V, "assessed_on", "190", "191"),
    "ADI1-108": put(R, provider_region_code=None),
    "ADI1-109": put(R, provider_region_code="090"),
    "ADI1-122": put(R, started_on="2013-04-01"),
    "ADI1-123": put(R, started_on="2013-05-01"),
    "ADI1-145": put(R, birth_year="35"),
    "ADI1-146": put(R, birth_year="2014"),
    "ADI1-147": put(R, birth_year=None),
    "ADI1-148": put(R, birth_year="1892"),
    "ADI1-180": drop(V),
    "ADI1-181": again(V),
    "ADI1-192": put(V, assessed_on="2013-05-01"),
    "ADI1-510": put(R, started_on="2013-02-28"),
    "ADI1-535": put(R, residence_country_code="Francia"),
    "ADI1-540": put(R, n_cohabitants="21"),
    "ADI1-541": put(R, network_type_code="rete"),
    "ADI1-542": put(R, residence_region_code="998"),
    "ADI1-543": put(R, identifier="VRDLSN35L52A944B"),
    "ADI1-550": put(V, assessed_on="2013-04-05"),
    "ADI1-551": put(V, assessed_on="2012-03-03"),
    "ADI1-560": every(),
    "ADI1-561": same_person_twice,
    "ADI1-401": put(R, started_on="1979-12-31"),
    "ADI1-402": put(V, assessed_on="1979-12-31"),
}
