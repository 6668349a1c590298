"""Rule cases of ADI2."""

from __future__ import annotations

from datetime import date

import polars as pl

from rule_cases.adi1 import assessment_cases
from rule_cases.changes import Change, Frames, drop, every, put
from rule_cases.of_services import SENDER as SENDER
from rule_cases.of_services import TODAY as TODAY
from rule_cases.of_services import again, codes, days, example, operation_cases

FLOW = "ADI2"
PERIOD = date(2013, 3, 1), date(2013, 3, 31)
R, V, A, P, S, C = "care", "reassessment", "access", "service", "suspension", "closure"


def right() -> Frames:
    return example(FLOW)


def with_assessment(change: Change) -> Change:
    """A reassessment that does not confirm the one before and brings a whole new one, changed."""

    def changed(frames: Frames) -> Frames:
        fields = set(frames[V].columns)
        new = {
            name: value for name, value in example("ADI1")["assessment"].row(0, named=True).items() if name in fields
        }
        whole = put(V, **{k: v for k, v in new.items() if k != "record_number"}, confirms_previous_code="2")
        return change(whole(frames))

    return changed


def _suspended(start: date) -> dict[str, pl.DataFrame]:
    schema = {"known_suspended_from_on": pl.Date, "known_suspended_to_on": pl.Date}
    return {"known_suspension": pl.DataFrame([(start, None)], schema=schema, orient="row")}


def _closed(on: date) -> dict[str, pl.DataFrame]:
    return {"earlier_closure": pl.DataFrame({"earlier_closed_on": [on]})}


def _awaited(on: date) -> dict[str, pl.DataFrame]:
    return {"awaited": pl.DataFrame({"awaited_is_live": [True], "awaited_started_on": [on]})}


OTHER = {
    "ADI2-157": _awaited(date(2013, 3, 6)),
    "ADI2-511": _awaited(date(2013, 3, 5)),
    "ADI2-521": _closed(date(2013, 3, 19)),
    "ADI2-532": _closed(date(2013, 3, 4)),
    "ADI2-533": _suspended(date(2013, 2, 20)),
    "ADI2-540": _closed(date(2013, 2, 27)),
    "ADI2-542": _suspended(date(2013, 2, 20)),
}
NOTHING = every(drop(V), drop(A), drop(P), drop(S), drop(C))

CASES: dict[str, Change] = {
    **operation_cases(FLOW, R),
    **days(FLOW, R, "started_on", "120", "121"),
    **days(FLOW, V, "reassessed_on", "140", "141"),
    **codes(FLOW, V, "reassessment_reason_code", "145", "146", "3"),
    **codes(FLOW, V, "confirms_previous_code", "147", "148", "3"),
    **{code: with_assessment(case) for code, case in assessment_cases(FLOW, V).items()},
    **codes(FLOW, A, "access_type_code", "150", "151", "3"),
    **days(FLOW, A, "access_on", "152", "153"),
    **codes(FLOW, A, "operator_type_code", "160", "161", "14"),
    **codes(FLOW, P, "treatment_code", "164", "165", "29"),
    **days(FLOW, S, "suspended_from_on", "170", "171"),
    **codes(FLOW, S, "suspension_reason_code", "177", "178", "5"),
    **days(FLOW, C, "closed_on", "180", "181"),
    **codes(FLOW, C, "closure_reason_code", "184", "546", "8"),
    "ADI2-108": put(R, provider_region_code=None),
    "ADI2-109": put(R, provider_region_code="090"),
    "ADI2-122": put(R, started_on="2013-04-01"),
    "ADI2-130": NOTHING,
    "ADI2-131": again(C),
    "ADI2-142": put(V, reassessed_on="2013-03-03"),
    "ADI2-143": put(V, reassessed_on="2013-03-29"),
    "ADI2-144": put(V, reassessed_on="2013-04-01"),
    "ADI2-149": put(V, confirms_previous_code="2"),
    "ADI2-154": put(A, access_on="2013-03-03"),
    "ADI2-155": put(A, access_on="2013-03-29"),
    "ADI2-156": put(A, access_on="2013-04-01"),
    "ADI2-157": every(),
    "ADI2-158": put(A, n_accesses="0"),
    "ADI2-162": drop(P),
    "ADI2-166": put(P, n_services="0"),
    "ADI2-172": put(S, suspended_to_on="domani"),
    "ADI2-173": put(S, suspended_from_on="2013-03-03"),
    "ADI2-174": again(S, suspended_from_on="2013-03-14", suspended_to_on=None),
    "ADI2-175": put(S, suspended_from_on="2013-04-01", suspended_to_on=None),
    "ADI2-176": put(S, suspended_to_on="2013-03-09"),
    "ADI2-182": put(C, closed_on="2013-03-03"),
    "ADI2-183": put(C, closed_on="2013-04-01"),
    "ADI2-511": every(),
    "ADI2-520": every(put(R, started_on="2013-02-01"), put(V, reassessed_on="2013-02-28")),
    "ADI2-521": every(),
    "ADI2-522": every(with_assessment(every()), put(V, confirms_previous_code="1")),
    "ADI2-530": every(put(R, started_on="2013-02-01"), put(A, access_on="2013-02-28")),
    "ADI2-531": put(A, access_on="2013-03-12"),
    "ADI2-532": every(),
    "ADI2-533": every(),
    "ADI2-534": put(A, n_accesses="11"),
    "ADI2-535": put(P, 1, treatment_code="16"),
    "ADI2-540": every(),
    "ADI2-541": put(S, suspended_from_on="2013-03-29", suspended_to_on=None),
    "ADI2-542": every(),
    "ADI2-545": every(put(R, started_on="2013-02-01"), put(C, closed_on="2013-02-28")),
    "ADI2-401": put(R, started_on="1979-12-31"),
    "ADI2-402": put(V, reassessed_on="1979-12-31"),
    "ADI2-403": put(A, access_on="1979-12-31"),
    "ADI2-404": put(S, suspended_from_on="1979-12-31"),
    "ADI2-405": put(C, closed_on="1979-12-31"),
}
