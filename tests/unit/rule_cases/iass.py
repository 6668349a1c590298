"""Rule cases of IASS."""

from __future__ import annotations

from datetime import date

import polars as pl

from rule_cases.changes import LONG, MAN, WOMAN, WRONG_CHECK, Change, Frames, drop, every, frame, put

FLOW, SENDER = "IASS", "10502"
PERIOD = date(2013, 3, 1), date(2013, 3, 31)
TODAY = date(2013, 4, 2)
D, O, C = "demand", "outcome", "contact"  # noqa: E741


def right() -> Frames:
    contact = {
        "operation": "I", "contact_id": "BO-2013-0001234", "contact_on": "2013-03-04", "desk_code": "037006-01",
        "contact_mode_code": "1", "reporter_type_code": "02", "reporter_identifier_type_code": "0",
        "reporter_identifier": MAN,
    }  # fmt: skip
    demand = {
        "demand_number": "1", "identifier_type_code": "0", "identifier": WOMAN, "local_id": "77123",
        "family_name": "VERDI", "given_name": "ALESSANDRA", "sex_code": "F", "birth_date": "1935-07-12",
        "birth_place_code": "A944", "citizenship_code": "100", "residence_comune_code": "037006",
        "life_cycle_code": "4", "condition_code": "01", "local_item_code": "DOM.02",
    }  # fmt: skip
    second = {**demand, "demand_number": "2"}
    outcomes = [
        {"demand_index": 1, "outcome_number": 1, "outcome_type_code": "5", "outcome_on": "2013-03-11"},
        {"demand_index": 1, "outcome_number": 2, "outcome_type_code": "6", "destination_service_code": "ADI"},
        {"demand_index": 2, "outcome_number": 1, "outcome_type_code": "1"},
    ]
    return {
        "contact": frame(FLOW, "contact", (), [{"record_number": 1, **contact}]),
        "demand": frame(
            FLOW,
            "demand",
            ("demand_index",),
            [{"record_number": 1, "demand_index": 1, **demand}, {"record_number": 1, "demand_index": 2, **second}],
        ),
        "outcome": frame(
            FLOW, "outcome", ("demand_index", "outcome_number"), [{"record_number": 1, **o} for o in outcomes]
        ),
    }


def many_demands(frames: Frames) -> Frames:
    demand = pl.concat([frames["demand"].head(1)] * 100).with_columns(
        demand_index=pl.int_range(1, 101), demand_number=pl.int_range(1, 101).cast(pl.String)
    )
    return {**frames, "demand": demand}


CASES: dict[str, Change] = {
    "IASS-101": put(C, operation=None),
    "IASS-102": put(C, operation="X"),
    "IASS-105": put(C, contact_id=None),
    "IASS-106": put(C, contact_id="BO 1"),
    "IASS-110": put(C, contact_on=None),
    "IASS-111": put(C, contact_on="2013-02-30"),
    "IASS-112": put(C, contact_on="2013-02-28"),
    "IASS-113": put(C, contact_on="2013-04-03"),
    "IASS-120": put(C, desk_code=None),
    "IASS-121": put(C, desk_code="037006"),
    "IASS-122": put(C, desk_code="015146-01"),
    "IASS-123": put(C, desk_code="037061-01"),
    "IASS-124": put(C, desk_code="033001-01"),
    "IASS-130": put(C, contact_mode_code=None),
    "IASS-131": put(C, contact_mode_code="7"),
    "IASS-140": put(C, reporter_type_code=None),
    "IASS-141": put(C, reporter_type_code="2"),
    "IASS-142": put(C, reporter_identifier_type_code="7"),
    "IASS-143": put(C, reporter_identifier_type_code=None),
    "IASS-144": put(C, reporter_identifier_type_code="99"),
    "IASS-145": put(C, reporter_identifier="1" * 31),
    "IASS-501": put(C, reporter_identifier=WRONG_CHECK),
    "IASS-502": put(C, reporter_type_code="01"),
    "IASS-503": put(C, reporter_identifier=None),
    "IASS-150": every(drop(D), drop(O)),
    "IASS-151": many_demands,
    "IASS-510": put(D, 1, demand_number="3"),
    "IASS-160": put(D, demand_number=None),
    "IASS-161": put(D, demand_number="100"),
    "IASS-162": put(D, 1, demand_number="1"),
    "IASS-170": put(D, identifier_type_code="5"),
    "IASS-171": put(D, identifier_type_code=None),
    "IASS-172": put(D, identifier=None, local_id=None),
    "IASS-173": put(D, identifier_type_code="98"),
    "IASS-174": put(D, identifier="1" * 31),
    "IASS-175": put(D, local_id="1" * 31),
    "IASS-176": put(D, family_name=LONG),
    "IASS-177": put(D, given_name=LONG),
    "IASS-180": put(D, sex_code=None),
    "IASS-181": put(D, sex_code="2"),
    "IASS-182": put(D, birth_date="12/07/1935"),
    "IASS-183": put(D, birth_date="2013-03-05"),
    "IASS-184": put(D, birth_date="1892-03-01"),
    "IASS-185": put(D, birth_date=None, birth_year="35"),
    "IASS-186": put(D, birth_date=None, birth_year="2014"),
    "IASS-190": put(D, citizenship_code=None),
    "IASS-191": put(D, citizenship_code="IT"),
    "IASS-570": put(D, citizenship_code="198"),
    "IASS-193": put(D, residence_comune_code=None),
    "IASS-194": put(D, residence_comune_code="A944"),
    "IASS-195": put(D, residence_comune_code="015146"),
    "IASS-196": put(D, residence_comune_code="037061"),
    "IASS-200": put(D, life_cycle_code=None),
    "IASS-201": put(D, life_cycle_code="5"),
    "IASS-202": put(D, condition_code="1"),
    "IASS-210": put(D, local_item_code=None),
    "IASS-211": put(D, local_item_code="x" * 31),
    "IASS-212": put(D, local_item_code="NEVER"),
    "IASS-213": put(D, local_item_code="OLD"),
    "IASS-214": put(D, local_item_code="TWO"),
    "IASS-215": put(D, local_item_code="GONE"),
    "IASS-220": drop(O, demand_index=2),
    "IASS-520": put(D, identifier=WOMAN[:-1]),
    "IASS-521": put(D, identifier=WRONG_CHECK),
    "IASS-522": put(D, sex_code="M"),
    "IASS-523": put(D, birth_date="1935-07-13"),
    "IASS-524": put(D, birth_place_code="F257"),
    "IASS-525": put(D, identifier="VRDLSN35L52Z999Q", birth_place_code=None),
    "IASS-526": put(D, identifier_type_code="1", identifier="STP123"),
    "IASS-527": put(D, identifier_type_code="4", identifier="12345678904"),
    "IASS-528": put(D, identifier_type_code="3", identifier="1"),
    "IASS-529": put(D, identifier=None),
    "IASS-530": put(D, identifier_type_code="98", identifier=None),
    "IASS-531": put(D, family_name="VERD1"),
    "IASS-532": put(D, family_name=None),
    "IASS-533": put(D, given_name="ALESSANDRA;"),
    "IASS-534": put(D, given_name=None),
    "IASS-540": put(D, birth_year="1935"),
    "IASS-535": put(D, local_id="00"),
    "IASS-536": put(D, family_name="N.N."),
    "IASS-537": put(D, birth_date="1900-01-01"),
    "IASS-538": put(D, 1, sex_code="M", birth_date="1970-11-30"),
    "IASS-541": put(D, birth_date=None),
    "IASS-542": put(D, birth_place_code="Bologna"),
    "IASS-543": put(D, birth_place_code="A000"),
    "IASS-544": put(D, birth_place_code="M320"),
    "IASS-545": put(D, life_cycle_code="2"),
    "IASS-546": put(D, condition_code="02"),
    "IASS-548": put(D, family_name="BIANCHI"),
    "IASS-230": put(O, outcome_type_code=None),
    "IASS-231": put(O, outcome_type_code="7"),
    "IASS-232": put(O, outcome_on=None),
    "IASS-233": put(O, outcome_on="2013-13-01"),
    "IASS-234": put(O, outcome_on="2013-03-03"),
    "IASS-235": put(O, 1, destination_service_code=None),
    "IASS-236": put(O, 1, destination_service_code="MARE"),
    "IASS-550": put(O, 1, outcome_type_code="5", outcome_on="2013-03-20", destination_service_code=None),
    "IASS-551": put(O, 1, outcome_on="2013-03-03"),
    "IASS-552": put(O, outcome_on="2014-03-05"),
    "IASS-553": put(O, 2, destination_service_code="ADI"),
    "IASS-400": put(D, birth_date="1849-12-31"),
    "IASS-401": put("contact", contact_on="1999-12-31"),
    "IASS-402": put(O, outcome_on="1999-12-31"),
    "IASS-580": put("contact", contact_id="BO-rssmra50a01a944c"),
    "IASS-581": put(D, local_id="STP1234567890123"),
}  # fmt: skip
