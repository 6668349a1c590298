"""Typed frames of the flows of services (FAR, ADI): a record with parts, under a key of several parts.

What the contract says is done for any such flow: code lists at the record's date, the person, comune of residence, the
number of parts, the key. Then each flow adds what is truly its own. Rows keep their order; joins run over record
numbers. Rules are in the contracts, what other records say is joined by `prepare.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import polars as pl

from orchestration.intake import features, keys
from orchestration.intake.contract import Contract, Lookup, Table

Frames = dict[str, pl.DataFrame]

#: National structures write sexes as numbers.
SEX_OF_GENDER = {"1": "M", "2": "F"}
_TYPES: dict[str, pl.DataType | type[pl.DataType]] = {"text": pl.String, "date": pl.Date, "boolean": pl.Boolean}
#: Columns that features of a person read; a flow that does not have one has it empty.
_OF_PERSON: dict[str, type[pl.DataType]] = {
    "family_name": pl.String,
    "given_name": pl.String,
    "birth_date": pl.Date,
    "birth_date_raw": pl.String,
}
_FOREVER = date.max


def empty(lookup: Lookup) -> pl.DataFrame:
    """A lookup that knows nothing."""
    told = {name: _TYPES[dtype] for name, dtype in lookup.columns}
    return pl.DataFrame(schema={"sender_code": pl.String, lookup.by: pl.String, **told})


def prepare(contract: Contract, frames: Frames, secret: bytes) -> Frames:
    """Typed frames with every feature that rules and loader read."""
    main = contract.tables[0]
    on = contract.record_on
    assert on is not None
    record = frames[main.name].with_columns(features.lists(contract.flow_code, main.name, on))
    record = _provider(record)
    if any(field.name == "identifier" for field in main.fields):
        record = _person(record, pl.col(on))
    record = keys.with_made_key(record, contract, secret)
    out = {main.name: record}
    for table in contract.tables[1:]:
        told = record.select("record_number", "operation", on)
        frame = frames[table.name].join(told, on="record_number", how="left", maintain_order="left")
        out[table.name] = frame.with_columns(features.lists(contract.flow_code, table.name, on))
    for table in contract.tables[1:]:
        _count(contract, table, out)
    return _BY_FLOW[contract.flow_code](out)


def _count(contract: Contract, table: Table, frames: Frames) -> None:
    """`<part>_count` for each element that holds parts of this kind."""
    holder = contract.holder(table)
    assert holder is not None
    place = ["record_number", *contract.places(holder)]
    count = f"{table.name}_count"
    counted = frames[table.name].group_by(place).len(count)
    frames[holder.name] = (
        frames[holder.name]
        .join(counted, on=place, how="left", maintain_order="left")
        .with_columns(pl.col(count).fill_null(0))
    )


def _provider(record: pl.DataFrame) -> pl.DataFrame:
    """The AUSL that provides, always with its region: 105 is 080105."""
    code = pl.col("provider_ausl_code")
    is_short = pl.col("provider_ausl_code_well_formed") & (code.str.len_bytes() == 3)
    return record.with_columns(provider_ausl_code=pl.when(is_short).then("080" + code).otherwise(code))


def _person(record: pl.DataFrame, on: pl.Expr) -> pl.DataFrame:
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in _OF_PERSON.items() if name not in record.columns]
    record = record.with_columns(
        *missing,
        sex_code=pl.col("gender_code").replace_strict(SEX_OF_GENDER, default=None, return_dtype=pl.String),
        birth_year_given=pl.when(pl.col("birth_year_raw").str.len_bytes() == 4).then("birth_year"),
    )
    record = features.person(record, on)
    record = features.comune(record, pl.col("residence_comune_code"), "residence_comune", on)
    if record.height:
        record = features.ausl_of_comune(record, record["period_end_on"][0])
    else:
        record = record.with_columns(pl.lit(None, pl.String).alias("residence_comune_ausl_code"))
    born = pl.coalesce(pl.col("birth_date").dt.year().cast(pl.Int16), "birth_year_given")
    return record.with_columns(
        birth_year=born,
        age_years=pl.coalesce("age_years", on.dt.year() - pl.col("birth_year_given")).cast(pl.Int16),
        cf_birth_year_differs=pl.col("birth_date").is_null() & (pl.col("cf_birth_yy") != born % 100),
        residence_ausl_number=pl.col("residence_ausl_code").str.slice(-3),
        residence_comune_ausl_number=pl.col("residence_comune_ausl_code").str.slice(-3),
    )


def _tell(frames: Frames, part: str, main: str, *columns: str) -> pl.DataFrame:
    """A part with columns of its record."""
    told = frames[main].select("record_number", *columns)
    return frames[part].join(told, on="record_number", how="left", maintain_order="left")


def _overlaps(suspension: pl.DataFrame) -> pl.DataFrame:
    """`overlaps_another`: two suspensions of a record share a day. One without an end lasts for ever."""
    start, end = pl.col("suspended_from_on"), pl.col("suspended_to_on").fill_null(_FOREVER)
    spans = (
        suspension.filter(start.is_not_null() & (end >= start))
        .select("record_number", "suspension_number", start, end.alias("_end"))
        .sort("record_number", "suspended_from_on", "suspension_number")
        .with_columns(
            _before=pl.col("_end").cum_max().shift().over("record_number"), _next=start.shift(-1).over("record_number")
        )
        .select(
            "record_number",
            "suspension_number",
            overlaps_another=((pl.col("_before") >= start) | (pl.col("_next") <= pl.col("_end"))).fill_null(False),
        )
    )
    return suspension.join(spans, on=["record_number", "suspension_number"], how="left", maintain_order="left")


def _around(on: str) -> tuple[pl.Expr, pl.Expr]:
    """`<on>_plus_month`, `<on>_minus_year`."""
    day = pl.col(on)
    return day.dt.offset_by("1mo").alias(f"{on}_plus_month"), day.dt.offset_by("-1y").alias(f"{on}_minus_year")


def _far1(frames: Frames) -> Frames:
    record = frames["admission"].with_columns(admission_year=pl.col("admission_on").dt.year())
    return {"admission": record, "assessment": frames["assessment"].with_columns(*_around("admission_on"))}


def _far2(frames: Frames) -> Frames:
    start, end = pl.col("period_start_on"), pl.col("period_end_on")
    discharged = frames["discharge"].group_by("record_number").agg(pl.col("discharged_on").min())
    suspension = _overlaps(frames["suspension"])
    last = pl.min_horizontal(end, "discharged_on")
    away = suspension.group_by("record_number").agg(
        # the first and the last day of an absence may be days of presence
        (pl.min_horizontal(end, "suspended_to_on") - pl.max_horizontal(start, "suspended_from_on"))
        .dt.total_days()
        .sub(1)
        .clip(0)
        .sum()
        .alias("suspended_days")
    )
    parts = ("tariff", "assessment", "suspension", "discharge")
    period = (
        frames["period"]
        .join(discharged, on="record_number", how="left", maintain_order="left")
        .join(away, on="record_number", how="left", maintain_order="left")
        .with_columns(
            event_count=pl.sum_horizontal(f"{part}_count" for part in parts),
            quarter_days=(end - start).dt.total_days() + 1,
            presence_days=pl.sum_horizontal(pl.col("full_days", "part_days").fill_null(0).cast(pl.Int32)),
            days_in_charge=(last - pl.max_horizontal(start, "admission_on")).dt.total_days() + 1,
            suspended_days=pl.col("suspended_days").fill_null(0),
        )
    )
    known = {**frames, "period": period, "suspension": suspension}
    tariff = frames["tariff"].with_columns(
        tariff_eur=pl.sum_horizontal("health_share_eur", "user_share_eur", "municipal_share_eur", ignore_nulls=False),
        tariff_is_repeated=_is_repeated("tariff_from_on"),
    )
    assessment = _tell(known, "assessment", "period", "discharged_on").with_columns(
        assessment_is_repeated=_is_repeated("assessed_on", "assessment_type_code")
    )
    return {
        **known,
        "tariff": tariff,
        "assessment": assessment,
        "suspension": _tell(known, "suspension", "period", "discharged_on"),
    }


def _is_repeated(*columns: str) -> pl.Expr:
    """Stands more than once in its record, and is not the first."""
    whole = pl.all_horizontal(pl.col(name).is_not_null() for name in columns)
    return whole & ~pl.struct("record_number", *columns).is_first_distinct()


def _adi1(frames: Frames) -> Frames:
    code = pl.col("base_identifier")
    record = frames["taking_in_charge"].with_columns(
        started_year=pl.col("started_on").dt.year(),
        person_is_repeated=code.is_not_null()
        & pl.struct("sender_code", "base_identifier").is_duplicated()
        & (pl.col("operation") != "C"),
    )
    assessment = frames["assessment"].with_columns(*_around("started_on"), _needs(frames["assessment"]))
    return {"taking_in_charge": record, "assessment": assessment}


def _needs(assessment: pl.DataFrame) -> pl.Expr:
    """`need_count`: how many care needs an assessment found, null when none was asked for."""
    asked = pl.col([name for name in assessment.columns if name.endswith("_need_code")])
    return pl.when(~pl.all_horizontal(asked.is_null())).then(pl.sum_horizontal(asked == "1")).alias("need_count")


def _adi2(frames: Frames) -> Frames:
    closed = frames["closure"].group_by("record_number").agg(pl.col("closed_on").min())
    parts = ("reassessment", "access", "suspension", "closure")
    care = (
        frames["care"]
        .join(closed, on="record_number", how="left", maintain_order="left")
        .with_columns(event_count=pl.sum_horizontal(f"{part}_count" for part in parts))
    )
    known = {**frames, "care": care}
    reassessment = _tell(known, "reassessment", "care", "closed_on")
    given = [c for c in reassessment.columns if c.endswith("_need_code")]
    reassessment = reassessment.with_columns(
        _needs(reassessment),
        assessment_is_absent=pl.all_horizontal(pl.col("main_condition_code", *given).is_null()),
    )
    suspension = _overlaps(_tell(known, "suspension", "care", "closed_on"))
    access = _in_suspension(_tell(known, "access", "care", "closed_on"), suspension)
    place = ["record_number", "access_number"]
    told = access.select(*place, "access_on", "operator_type_code")
    service = frames["service"].join(told, on=place, how="left", maintain_order="left")
    service = service.with_columns(
        service_is_repeated=_is_repeated("access_on", "operator_type_code", "treatment_code")
    ).drop("access_on", "operator_type_code")
    return {
        "care": care,
        "reassessment": reassessment,
        "access": access,
        "service": service,
        "suspension": suspension,
        "closure": frames["closure"],
    }


def _in_suspension(access: pl.DataFrame, suspension: pl.DataFrame) -> pl.DataFrame:
    """`is_in_suspension`: strictly inside one of the record's. On its first and last day care may be given."""
    spans = suspension.select(
        "record_number", pl.col("suspended_from_on").alias("_from"), pl.col("suspended_to_on").alias("_to")
    ).drop_nulls("_from")
    inside = (
        access.select("record_number", "access_number", "access_on")
        .join(spans, on="record_number")
        .filter((pl.col("access_on") > pl.col("_from")) & (pl.col("access_on") < pl.col("_to").fill_null(_FOREVER)))
        .select("record_number", "access_number", is_in_suspension=pl.lit(True))
        .unique()
    )
    return access.join(inside, on=["record_number", "access_number"], how="left", maintain_order="left")


_BY_FLOW: dict[str, Callable[[Frames], Frames]] = {"FAR1": _far1, "FAR2": _far2, "ADI1": _adi1, "ADI2": _adi2}
