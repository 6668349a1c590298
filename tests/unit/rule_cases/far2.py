"""Rule cases of FAR2."""

from __future__ import annotations

from datetime import date

import polars as pl

from rule_cases.changes import Change, Frames, drop, every, put
from rule_cases.of_services import SENDER as SENDER
from rule_cases.of_services import TODAY as TODAY
from rule_cases.of_services import again, codes, days, example, operation_cases

FLOW = "FAR2"
PERIOD = date(2013, 1, 1), date(2013, 3, 31)
R, T, V, S, D = "period", "tariff", "assessment", "suspension", "discharge"


def right() -> Frames:
    return example(FLOW)


def _awaited(on: date, service: str) -> dict[str, pl.DataFrame]:
    told = {"awaited_is_live": [True], "awaited_admission_on": [on], "awaited_service_type_code": [service]}
    return {"awaited": pl.DataFrame(told)}


OTHER = {
    "FAR2-190": _awaited(date(2013, 2, 9), "R3"),
    "FAR2-191": _awaited(date(2013, 2, 10), "R2"),
    "FAR2-540": {"earlier_discharge": pl.DataFrame({"earlier_discharged_on": [date(2012, 12, 30)]})},
    "FAR2-541": {
        "known_suspension": pl.DataFrame(
            {"known_suspended_from_on": [date(2012, 12, 20)], "known_suspended_to_on": [None]},
            schema={"known_suspended_from_on": pl.Date, "known_suspended_to_on": pl.Date},
        )
    },
}
NOTHING = every(drop(T), drop(V), drop(S), drop(D))

CASES: dict[str, Change] = {
    **operation_cases(FLOW, R),
    **days(FLOW, R, "admission_on", "120", "121"),
    **codes(FLOW, R, "service_type_code", "124", "125", "R4"),
    **days(FLOW, T, "tariff_from_on", "140", "141"),
    **codes(FLOW, T, "user_share_eur", "144", "145", "38,50"),
    **days(FLOW, V, "assessed_on", "150", "151"),
    **codes(FLOW, V, "assessment_type_code", "153", "525", "8"),
    **codes(FLOW, V, "mobility_level_code", "154", "155", "0"),
    **days(FLOW, S, "suspended_from_on", "160", "161"),
    **codes(FLOW, S, "suspension_reason_code", "166", "167", "3"),
    **days(FLOW, D, "discharged_on", "170", "171"),
    **codes(FLOW, D, "discharge_reason_code", "175", "176", "5"),
    "FAR2-113": put(R, facility_code=None),
    "FAR2-114": put(R, facility_code="080105000"),
    "FAR2-122": put(R, admission_on="2013-04-01"),
    "FAR2-130": every(NOTHING, put(R, full_days=None, part_days=None)),
    "FAR2-131": put(R, full_days="forty"),
    "FAR2-132": put(R, part_days="-1"),
    "FAR2-133": put(R, full_days="91"),
    "FAR2-142": put(T, tariff_from_on="2013-02-09"),
    "FAR2-143": put(T, tariff_from_on="2013-04-01"),
    "FAR2-146": again(T),
    "FAR2-152": put(V, assessed_on="2013-04-01"),
    "FAR2-156": again(V),
    "FAR2-162": put(S, suspended_to_on="marzo"),
    "FAR2-163": put(S, suspended_to_on="2013-02-28"),
    "FAR2-164": put(S, suspended_from_on="2013-02-09"),
    "FAR2-165": again(S, suspended_from_on="2013-03-05", suspended_to_on=None),
    "FAR2-168": put(S, suspended_from_on="2013-04-01", suspended_to_on=None),
    "FAR2-172": put(D, discharged_on="2013-02-09"),
    "FAR2-173": put(D, discharged_on="2013-04-01"),
    "FAR2-174": again(D),
    "FAR2-190": every(),
    "FAR2-191": every(),
    "FAR2-511": put(R, full_days="47"),
    "FAR2-512": put(R, full_days="44"),
    "FAR2-513": put(R, part_days="1"),
    "FAR2-520": put(T, health_share_eur="4620"),
    "FAR2-526": put(V, assessed_on="2013-02-09"),
    "FAR2-527": put(V, assessed_on="2013-03-28"),
    "FAR2-530": put(S, suspended_from_on="2013-03-28", suspended_to_on=None),
    "FAR2-531": put(S, suspended_to_on="2013-04-01"),
    "FAR2-535": every(put(R, admission_on="2012-11-01"), put(D, discharged_on="2012-12-31")),
    "FAR2-540": every(),
    "FAR2-541": every(),
    "FAR2-401": put(R, admission_on="1949-12-31"),
    "FAR2-402": put(T, tariff_from_on="1949-12-31"),
    "FAR2-403": put(V, assessed_on="1949-12-31"),
    "FAR2-404": put(S, suspended_from_on="1949-12-31"),
    "FAR2-405": put(D, discharged_on="1949-12-31"),
}
