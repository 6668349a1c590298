"""What the rule cases of FAR and ADI share: the published example as the right file, one of its elements changed."""

from __future__ import annotations

import io
from datetime import date

import polars as pl

from orchestration.intake import read_xml
from orchestration.intake.contract import load_contract
from rule_cases.changes import WRONG_CHECK, Change, Frames, every, put

SENDER = "080105"
TODAY = date(2013, 4, 30)


def example(flow: str) -> Frames:
    [batch] = read_xml.read(io.BytesIO(load_contract(flow).example.encode()), read_xml.layout(flow), {})
    assert not batch.issues
    return batch.frames


def again(table: str, **values: str | None) -> Change:
    """The first element of a kind once more, as another element of the same record, with some values changed."""

    def change(frames: Frames) -> Frames:
        rows = frames[table]
        number = f"{table}_number"
        more = rows.head(1).with_columns(
            pl.lit(rows.height + 1, pl.Int64).alias(number),
            *(pl.lit(v, dtype=pl.String).alias(c) for c, v in values.items()),
        )
        return {**frames, table: pl.concat([rows, more])}

    return change


def operation_cases(flow: str, record: str) -> dict[str, Change]:
    return {
        f"{flow}-101": put(record, operation=None),
        f"{flow}-102": put(record, operation="X"),
        f"{flow}-110": put(record, provider_ausl_code=None),
        f"{flow}-111": put(record, provider_ausl_code="10"),
        f"{flow}-112": put(record, provider_ausl_code="080101"),
        f"{flow}-115": put(record, record_id=None),
        f"{flow}-116": put(record, record_id="0801 05"),
    }


def person_cases(flow: str, record: str, long: int) -> dict[str, Change]:
    """Identifier, gender, citizenship, marital status, residence."""
    return {
        f"{flow}-130": put(record, identifier_type_code="5"),
        f"{flow}-131": put(record, identifier_type_code=None),
        f"{flow}-132": put(record, identifier=None),
        f"{flow}-133": put(record, identifier_type_code="98"),
        f"{flow}-134": put(record, identifier="1" * (long + 1)),
        f"{flow}-140": put(record, gender_code=None),
        f"{flow}-141": put(record, gender_code="F"),
        f"{flow}-150": put(record, citizenship_code=None),
        f"{flow}-151": put(record, citizenship_code="ITA"),
        f"{flow}-153": put(record, marital_status_code=None),
        f"{flow}-154": put(record, marital_status_code="8"),
        f"{flow}-160": put(record, residence_region_code=None),
        f"{flow}-161": put(record, residence_region_code="8"),
        f"{flow}-162": put(record, residence_ausl_code=None),
        f"{flow}-163": put(record, residence_ausl_code="5"),
        f"{flow}-164": put(record, residence_comune_code=None),
        f"{flow}-165": put(record, residence_comune_code="A944"),
        f"{flow}-520": put(record, identifier="VRDLSN35L52A944"),
        f"{flow}-521": put(record, identifier=WRONG_CHECK),
        f"{flow}-522": put(record, gender_code="1"),
        f"{flow}-523": every(put(record, birth_year="1936"), no_birth_date(record)),
        f"{flow}-524": put(record, identifier="VRDLSN35L52Z999Q"),
        f"{flow}-525": put(record, identifier_type_code="1", identifier="STP123"),
        f"{flow}-530": put(record, citizenship_code="198"),
        f"{flow}-531": put(record, residence_ausl_code="101"),
        f"{flow}-532": put(record, residence_comune_code="015146"),
        f"{flow}-533": put(record, residence_comune_code="037061"),
        f"{flow}-534": put(record, residence_region_code="030"),
    }


def no_birth_date(record: str) -> Change:
    def change(frames: Frames) -> Frames:
        has_date = "birth_date" in frames[record].columns
        return put(record, birth_date=None)(frames) if has_date else frames

    return change


def codes(flow: str, table: str, field: str, missing: str, unlisted: str, wrong: str = "x") -> dict[str, Change]:
    """A coded field that is missing, and one out of its list."""
    return {f"{flow}-{missing}": put(table, **{field: None}), f"{flow}-{unlisted}": put(table, **{field: wrong})}


def days(flow: str, table: str, field: str, missing: str, invalid: str) -> dict[str, Change]:
    """A date that is missing, and one that is none."""
    return {
        f"{flow}-{missing}": put(table, **{field: None}),
        f"{flow}-{invalid}": put(table, **{field: "2013-02-30"}),
    }
