"""For every rule of the catalogue, the smallest change to a right record that breaks it.

A change takes the frames of a right file and returns them changed; `put` sets fields of one row, `None` deletes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import polars as pl

from orchestration.intake.check import CheckContext
from orchestration.intake.contract import load_contract

Frames = dict[str, pl.DataFrame]
Change = Callable[[Frames], Frames]

LOCAL = pl.DataFrame(
    [
        ("DOM.02", "03.04", date(2013, 1, 1), None),
        ("OLD", "03.04", date(2012, 1, 1), date(2012, 12, 31)),
        ("TWO", "03.04", date(2013, 1, 1), None),
        ("TWO", "03.05", date(2013, 2, 1), None),
        ("GONE", "99.01", date(2013, 1, 1), None),
    ],
    schema={"local_item_code": pl.String, "regional_code": pl.String, "valid_from": pl.Date, "valid_to": pl.Date},
    orient="row",
)
REGIONAL = pl.DataFrame(
    [
        ("03.04", date(2010, 1, 1), None),
        ("03.05", date(2010, 1, 1), None),
        ("99.01", date(2010, 1, 1), date(2012, 12, 31)),
    ],
    schema={"regional_code": pl.String, "valid_from": pl.Date, "valid_to": pl.Date},
    orient="row",
)
# Check letters are right: computed with `fiscal_code.encode`.
WOMAN, MAN = "VRDLSN35L52A944A", "RSSMRA50A01A944C"


def context(flow: str) -> CheckContext:
    start, end = {
        "IASS": (date(2013, 3, 1), date(2013, 3, 31)),
        "NAAR": (date(2013, 3, 31), date(2013, 3, 31)),
        "NOML": (date(2013, 3, 1), date(2013, 3, 1)),
    }[flow]
    return CheckContext("10501" if flow == "NAAR" else "10502", start, end, date(2013, 4, 2), LOCAL, REGIONAL)


def _frame(flow: str, table: str, places: tuple[str, ...], rows: list[dict[str, object]]) -> pl.DataFrame:
    fields = [f.name for f in load_contract(flow).table(table).file_fields]
    schema = {**{p: pl.Int64 for p in ("record_number", *places)}, **{f: pl.String for f in fields}}
    return pl.DataFrame([{c: row.get(c) for c in schema} for row in rows], schema=schema)


def right(flow: str) -> Frames:
    """A file in which no rule is broken."""
    if flow == "IASS":
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
            "contact": _frame(flow, "contact", (), [{"record_number": 1, **contact}]),
            "demand": _frame(
                flow,
                "demand",
                ("demand_index",),
                [{"record_number": 1, "demand_index": 1, **demand}, {"record_number": 1, "demand_index": 2, **second}],
            ),
            "outcome": _frame(
                flow, "outcome", ("demand_index", "outcome_number"), [{"record_number": 1, **o} for o in outcomes]
            ),
        }
    if flow == "NAAR":
        first = {
            "registry_id": "ER0000001", "identifier_type_code": "0", "identifier": WOMAN, "family_name": "VERDI",
            "given_name": "ALESSANDRA", "sex_code": "F", "birth_date": "1935-07-12", "birth_place_code": "A944",
            "citizenship_code": "100", "residence_comune_code": "037006", "residence_ausl_code": "080105",
            "assistance_ausl_code": "080105", "status_code": "A", "status_on": "2010-01-01", "doctor_id": "M1",
        }  # fmt: skip
        other = {**first, "registry_id": "ER0000002", "identifier_type_code": "99", "identifier": None}
        return {"person": _frame(flow, "person", (), [{"record_number": 1, **first}, {"record_number": 2, **other}])}
    line = {
        "local_item_code": "DOM.02", "local_label": "Pasti a domicilio", "regional_code": "03.04",
        "valid_from": "2013-03-01", "valid_to": "2013-12-31", "note": "in prova",
    }  # fmt: skip
    later = {**line, "valid_from": "2014-01-01", "valid_to": None}
    return {"item": _frame(flow, "item", (), [{"record_number": 1, **line}, {"record_number": 2, **later}])}


def put(table: str, row: int = 0, **values: str | None) -> Change:
    def change(frames: Frames) -> Frames:
        frame = frames[table]
        at = pl.int_range(pl.len()) == row
        changed = frame.with_columns(
            pl.when(at).then(pl.lit(v, dtype=pl.String)).otherwise(c).alias(c) for c, v in values.items()
        )
        return {**frames, table: changed}

    return change


def every(*changes: Change) -> Change:
    def change(frames: Frames) -> Frames:
        for one in changes:
            frames = one(frames)
        return frames

    return change


def drop(table: str, **where: int) -> Change:
    def change(frames: Frames) -> Frames:
        gone = pl.all_horizontal(pl.col(c) == v for c, v in where.items()) if where else pl.lit(True)
        return {**frames, table: frames[table].filter(~gone)}

    return change


def many_demands(frames: Frames) -> Frames:
    demand = pl.concat([frames["demand"].head(1)] * 100).with_columns(
        demand_index=pl.int_range(1, 101), demand_number=pl.int_range(1, 101).cast(pl.String)
    )
    return {**frames, "demand": demand}


LONG = "x" * 101
WRONG_CHECK = WOMAN[:-1] + "B"
D, O, C, P, I = "demand", "outcome", "contact", "person", "item"  # noqa: E741

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
    "IASS-192": put(D, citizenship_code="198"),
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
    "NAAR-101": put(P, registry_id=None),
    "NAAR-102": put(P, registry_id="ER 1"),
    "NAAR-103": put(P, 1, registry_id="ER0000001"),
    "NAAR-110": put(P, identifier_type_code=None),
    "NAAR-111": put(P, identifier_type_code="5"),
    "NAAR-112": put(P, identifier="1" * 31),
    "NAAR-113": put(P, previous_identifier="1" * 31),
    "NAAR-114": put(P, family_name=LONG),
    "NAAR-115": put(P, given_name=LONG),
    "NAAR-120": put(P, sex_code=None),
    "NAAR-121": put(P, sex_code="2"),
    "NAAR-122": put(P, birth_date=None),
    "NAAR-123": put(P, birth_date="1935"),
    "NAAR-124": put(P, birth_date="2013-04-01"),
    "NAAR-130": put(P, citizenship_code=None),
    "NAAR-131": put(P, citizenship_code="IT"),
    "NAAR-132": put(P, citizenship_code="198"),
    "NAAR-133": put(P, residence_comune_code=None),
    "NAAR-134": put(P, residence_comune_code="A944"),
    "NAAR-135": put(P, residence_comune_code="015146"),
    "NAAR-136": put(P, residence_ausl_code="080114"),
    "NAAR-137": put(P, assistance_ausl_code="080199"),
    "NAAR-140": put(P, status_code=None),
    "NAAR-141": put(P, status_code="X"),
    "NAAR-142": put(P, status_on="ieri"),
    "NAAR-143": put(P, death_on="ieri"),
    "NAAR-144": put(P, status_code="D", death_on="1935-07-11"),
    "NAAR-145": put(P, doctor_id="x" * 21),
    "NAAR-501": put(P, identifier=None),
    "NAAR-502": put(P, identifier_type_code="99"),
    "NAAR-503": put(P, identifier=WOMAN[:-1]),
    "NAAR-504": put(P, identifier=WRONG_CHECK),
    "NAAR-505": put(P, sex_code="M"),
    "NAAR-506": put(P, birth_date="1935-07-13"),
    "NAAR-507": put(P, birth_place_code="F257"),
    "NAAR-508": put(P, identifier_type_code="2", identifier="ENI1"),
    "NAAR-509": put(P, identifier_type_code="4", identifier="12345678904"),
    "NAAR-510": put(P, identifier_type_code="3", identifier="1"),
    "NAAR-511": put(P, 1, identifier_type_code="0", identifier=WOMAN.lower()),
    "NAAR-512": put(P, given_name="MARIA"),
    "NAAR-513": put(P, previous_identifier=WOMAN),
    "NAAR-514": put(P, previous_identifier=WRONG_CHECK),
    "NAAR-515": put(P, family_name=None),
    "NAAR-516": put(P, family_name="VERD1"),
    "NAAR-517": put(P, given_name=None),
    "NAAR-518": put(P, given_name="ALESSANDRA;"),
    "NAAR-519": put(P, birth_date="1892-03-01"),
    "NAAR-520": put(P, birth_place_code="Bologna"),
    "NAAR-521": put(P, birth_place_code="A000"),
    "NAAR-522": put(P, birth_place_code="M320"),
    "NAAR-523": put(P, residence_comune_code="037061"),
    "NAAR-524": put(P, residence_ausl_code="080106"),
    "NAAR-525": put(P, assistance_ausl_code=None),
    "NAAR-526": put(P, status_on="2013-04-01"),
    "NAAR-527": put(P, status_on="1930-01-01"),
    "NAAR-528": put(P, status_code="D", death_on="2013-04-01"),
    "NAAR-529": put(P, status_code="D"),
    "NAAR-530": put(P, identifier_type_code="98", identifier=None),
    "NOML-101": put(I, local_item_code=None),
    "NOML-102": put(I, local_item_code="x" * 31),
    "NOML-103": put(I, local_item_code="DOM;02"),
    "NOML-104": put(I, 1, valid_from="2013-03-01", valid_to="2013-12-31"),
    "NOML-105": put(I, 1, valid_from="2013-12-31"),
    "NOML-110": put(I, local_label="x" * 201),
    "NOML-120": put(I, regional_code=None),
    "NOML-121": put(I, regional_code="3.4"),
    "NOML-122": put(I, regional_code="88.01"),
    "NOML-123": put(I, regional_code="99.01"),
    "NOML-130": put(I, valid_from=None),
    "NOML-131": put(I, valid_from="01/03/2013"),
    "NOML-132": put(I, valid_to="mai"),
    "NOML-133": put(I, valid_to="2013-02-01"),
    "NOML-140": put(I, note="x" * 501),
    "NOML-501": put(I, local_label=None),
    "NOML-502": put(I, local_label="Mensa"),
    "NOML-503": put(I, valid_from="2013-02-28"),
    "NOML-504": put(I, valid_from="2012-01-01", valid_to="2012-12-31"),
    "NOML-505": put(I, note="=1+1"),
    "NOML-506": put(I, local_label="=CMD()"),
}  # fmt: skip
