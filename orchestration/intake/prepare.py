"""From frames of text to the typed frames of a flow, with every column that its rules and its loader read.

One function per flow says which features its tables need (flows of services: `services.py`); the features themselves
are in `features.py`, the rules in the contracts. Rows keep their order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from orchestration.intake import features, keys, prepare_care, services, spans
from orchestration.intake.contract import Contract, Lookup
from orchestration.intake.services import Frames

DIRECTLY_INTERESTED = "01"
LOCAL_ID = "local_id"
FORMULA_START = r"^[=+@\-\t]"
#: Keeps (record, demand) apart in one integer, whatever a hostile file repeats.
_DEMANDS_PER_RECORD = 1_000_000_000

_REGIONAL = {"regional_code": pl.String, "valid_from": pl.Date, "valid_to": pl.Date}
_LOCAL = {"sender_code": pl.String, "local_item_code": pl.String, **_REGIONAL}


def _nothing_known(lookup: Lookup, _: pl.DataFrame) -> pl.DataFrame:
    return services.empty(lookup)


@dataclass(frozen=True)
class CheckContext:
    """What rules need besides the records: whose file it is, of when, the nomenclatures in force, other records."""

    sender_code: str
    period_start: date
    period_end: date
    today: date
    #: associations: sender_code, local_item_code, regional_code, valid_from, valid_to (inclusive; null = open)
    local_nomenclature: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_LOCAL))
    #: regional_code, valid_from, valid_to
    regional_nomenclature: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_REGIONAL))
    #: what is known of the persons and keys of a frame from earlier deliveries (columns of `spans.KNOWN`)
    known_spans: Callable[[pl.DataFrame], pl.DataFrame] = spans.nothing_known
    #: what a lookup of the contract knows about some values of its column (with sender_code)
    other_records: Callable[[Lookup, pl.DataFrame], pl.DataFrame] = _nothing_known
    #: of whom nothing of an earlier period of this flow has come: their file opens with who was there before
    new_senders: frozenset[str] = frozenset()
    #: the sender of each record, when files of several senders are judged together
    sender: pl.Expr | None = None
    #: makes the keys that must not be read
    secret: bytes = field(default=b"", repr=False)


def prepare(contract: Contract, frames: Frames, context: CheckContext) -> Frames:
    """Typed frames with features, in the row order of the frames given. Loaders read these."""
    typed: Frames = {}
    sender = pl.lit(context.sender_code) if context.sender is None else context.sender
    shared = (
        sender.alias("sender_code"),
        pl.lit(context.period_start).alias("period_start_on"),
        pl.lit(context.period_end).alias("period_end_on"),
        pl.lit(context.today).alias("today"),
        sender.is_in(list(context.new_senders)).alias("is_first_period"),
        *(pl.lit(value).alias(name) for name, value in contract.parameters.items() if isinstance(value, int | float)),
    )
    for table in contract.tables:
        typed[table.name] = features.typed(frames[table.name], table, *shared)
        if any(field.name == LOCAL_ID for field in table.fields):
            told = keys.looks_like_identifier(LOCAL_ID).alias(f"{LOCAL_ID}_is_identifier")
            typed[table.name] = typed[table.name].with_columns(told)
    main = contract.tables[0].name
    typed[main] = keys.without_identifier(typed[main], contract, context.secret)
    if contract.flow_code in _BY_FLOW:
        return _BY_FLOW[contract.flow_code](contract, typed, context)
    return with_other_records(contract, services.prepare(contract, typed, context.secret), context)


def with_other_records(contract: Contract, frames: Frames, context: CheckContext) -> Frames:
    """What the contract's lookups say, for the record and all its parts; null where nothing is known."""
    main = contract.tables[0].name
    for lookup in contract.lookups:
        key = ["sender_code", lookup.by]
        known = context.other_records(lookup, frames[main].select(key).drop_nulls().unique())
        record = frames[main].join(known, on=key, how="left", maintain_order="left")
        told = record.select("record_number", *(name for name, _ in lookup.columns))
        frames = {
            name: record if name == main else frame.join(told, on="record_number", how="left", maintain_order="left")
            for name, frame in frames.items()
        }
    return frames


def _iass(contract: Contract, frames: Frames, context: CheckContext) -> Frames:
    on = pl.col("contact_on")
    contact = frames["contact"].with_columns(features.lists("IASS", "contact", "contact_on"))
    contact = features.comune(contact, pl.col("desk_code").str.slice(0, 6), "desk_comune", on)
    contact = features.identifier(contact, "reporter_")
    of_contact = contact.select("record_number", "operation", "contact_on")

    demand = frames["demand"].join(of_contact, on="record_number", how="left", maintain_order="left")
    demand = demand.with_columns(
        *features.lists("IASS", "demand", "contact_on"),
        _key=pl.col("record_number") * _DEMANDS_PER_RECORD + pl.col("demand_index"),
        demand_number=pl.when(pl.col("demand_number").is_between(1, 99)).then("demand_number"),
        birth_year_given=pl.when(pl.col("birth_year_raw").str.len_bytes() == 4).then("birth_year"),
        contact_year=on.dt.year(),
    )
    demand = features.comune(demand, pl.col("residence_comune_code"), "residence_comune", on)
    demand = features.birth_place(features.person(demand, on), pl.col("birth_date"))
    demand = features.local_id(demand)
    demand = _map_local_items(demand, context)
    numbered = pl.col("record_number") * 100 + pl.col("demand_number")
    demand = demand.with_columns(
        birth_year=pl.coalesce(pl.col("birth_date").dt.year().cast(pl.Int16), "birth_year_given"),
        age_years=pl.coalesce("age_years", pl.col("contact_year") - pl.col("birth_year_given")).cast(pl.Int16),
        demand_number_is_repeated=numbered.is_not_null() & ~numbered.is_first_distinct(),
        life_cycle_number=pl.col("life_cycle_code").cast(pl.Int16, strict=False),
    ).with_columns(life_cycle_at_age=_band(contract))

    outcome = frames["outcome"].with_columns(
        _key=pl.col("record_number") * _DEMANDS_PER_RECORD + pl.col("demand_index")
    )
    counted = outcome.group_by("_key").len("n_outcomes")
    demand = demand.join(counted, on="_key", how="left", maintain_order="left").with_columns(
        pl.col("n_outcomes").fill_null(0)
    )
    typed_outcome = pl.col("_key") * 8 + pl.col("outcome_type_code").cast(pl.Int16, strict=False)
    outcome = (
        outcome.join(
            demand.select("_key", "demand_number", "operation", "contact_on"),
            on="_key",
            how="left",
            maintain_order="left",
        )
        .with_columns(features.lists("IASS", "outcome", "contact_on"))
        .with_columns(
            outcome_type_is_repeated=pl.col("outcome_type_code_in_list").fill_null(False)
            & ~typed_outcome.is_first_distinct(),
            contact_on_plus_year=on.dt.offset_by("1y"),
        )
    )
    return {
        "contact": _with_demands(contact, demand),
        "demand": demand.drop("_key"),
        "outcome": outcome.drop("_key"),
    }


def _band(contract: Contract) -> pl.Expr:
    """The life cycle that an age falls into, as a number."""
    out = pl.lit(None, dtype=pl.Int16)
    for band in contract.parameters["life_cycle_bands"]:
        inside = pl.col("age_years").is_between(band["from_age"], band["to_age"])
        out = pl.when(inside).then(pl.lit(int(band["code"]), dtype=pl.Int16)).otherwise(out)
    return out


def _map_local_items(demand: pl.DataFrame, context: CheckContext) -> pl.DataFrame:
    """`regional_code` at the contact's date, with what can be wrong about it. Joins run over distinct (code, date)."""
    local = context.local_nomenclature
    item = ["sender_code", "local_item_code"]
    pairs = demand.select(*item, "contact_on").unique().drop_nulls()
    matches = (
        pairs.join(local, on=item)
        .filter(
            (pl.col("valid_from").is_null() | (pl.col("valid_from") <= pl.col("contact_on")))
            & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= pl.col("contact_on")))
        )
        .group_by(*item, "contact_on")
        .agg(pl.col("regional_code").first(), pl.len().alias("n_local_matches"))
        .with_columns(regional_code=pl.when(pl.col("n_local_matches") == 1).then("regional_code"))
        .pipe(_regional_validity, context, pl.col("contact_on"))
    )
    known = local.select(item).unique().with_columns(_known=pl.lit(True))
    # without a date nothing can be said about the association: n_local_matches stays null
    demand = demand.join(known, on=item, how="left", maintain_order="left").join(
        matches, on=[*item, "contact_on"], how="left", maintain_order="left"
    )
    return demand.with_columns(
        local_item_is_known=pl.when(pl.col("local_item_code").is_not_null()).then(pl.col("_known").fill_null(False)),
        n_local_matches=pl.when(pl.col("contact_on").is_not_null()).then(pl.col("n_local_matches").fill_null(0)),
        regional_code_is_valid=pl.col("regional_code_is_valid").fill_null(False),
    ).drop("_known")


def _regional_validity(frame: pl.DataFrame, context: CheckContext, on: pl.Expr) -> pl.DataFrame:
    """`regional_code_is_known`, `regional_code_is_valid` at `on`."""
    regional = context.regional_nomenclature.rename({"valid_from": "_from", "valid_to": "_to"}).select(
        "regional_code", "_from", "_to", _known=pl.lit(True)
    )
    return (
        frame.join(
            regional.unique("regional_code", keep="last", maintain_order=True),
            on="regional_code",
            how="left",
            maintain_order="left",
        )
        .with_columns(
            regional_code_is_known=pl.col("_known").fill_null(False),
            regional_code_is_valid=pl.col("_known").fill_null(False) & features.within(on),
        )
        .drop("_from", "_to", "_known")
    )


def _with_demands(contact: pl.DataFrame, demand: pl.DataFrame) -> pl.DataFrame:
    """What a contact's demands say about it: how many, whether numbered without gaps, whether about the reporter."""
    numbers = demand.group_by("record_number").agg(
        pl.len().alias("n_demands"),
        pl.col("demand_number").max().alias("_last"),
        (pl.col("demand_number").is_null() | pl.col("demand_number_is_repeated")).any().alias("_is_unclear"),
    )
    own = contact.filter(
        (pl.col("reporter_type_code") == DIRECTLY_INTERESTED) & pl.col("reporter_base_identifier").is_not_null()
    ).select("record_number", "reporter_base_identifier")
    # only when every interested person has an identifier can the reporter be said to be none of them
    differs = (
        demand.select("record_number", "base_identifier")
        .join(own, on="record_number")
        .group_by("record_number")
        .agg(
            (
                pl.col("base_identifier").is_not_null()
                & (pl.col("base_identifier") != pl.col("reporter_base_identifier"))
            )
            .all()
            .alias("reporter_differs_from_all")
        )
    )
    return (
        contact.join(numbers, on="record_number", how="left", maintain_order="left")
        .join(differs, on="record_number", how="left", maintain_order="left")
        .with_columns(
            n_demands=pl.col("n_demands").fill_null(0),
            has_gap_in_demands=(~pl.col("_is_unclear") & (pl.col("_last") != pl.col("n_demands"))).fill_null(False),
            reporter_differs_from_all=pl.col("reporter_differs_from_all").fill_null(False),
        )
        .drop("_last", "_is_unclear")
    )


def _naar(contract: Contract, frames: Frames, context: CheckContext) -> Frames:
    on = pl.col("period_end_on")
    person = frames["person"].with_columns(features.lists("NAAR", "person", "period_end_on"))
    person = features.comune(person, pl.col("residence_comune_code"), "residence_comune", on)
    person = features.ausl_of_comune(person, context.period_end)
    person = features.birth_place(features.person(person, on), pl.col("birth_date"))
    previous = features.previous_identifier(person["previous_identifier"])
    person = person.with_columns(
        previous.get_columns(),
        registry_id_is_repeated=pl.col("registry_id").is_not_null() & ~pl.col("registry_id").is_first_distinct(),
        identifier_is_repeated=pl.col("base_identifier").is_duplicated() & pl.col("base_identifier").is_not_null(),
        birth_month_on=pl.col("birth_date").dt.month_start(),
    )
    return {"person": person}


def _noml(contract: Contract, frames: Frames, context: CheckContext) -> Frames:
    start, end, day = pl.col("valid_from"), pl.col("valid_to"), pl.col("period_start_on")
    code = ["sender_code", "local_item_code"]
    # an association counts from the day of the file at the earliest
    effective = pl.when(end < day).then(start).otherwise(pl.max_horizontal(start, day))
    item = _regional_validity(frames["item"], context, effective)
    fields = [f.name for f in contract.table("item").file_fields]
    item = item.with_columns(
        line_is_repeated=~pl.struct("sender_code", *fields).is_first_distinct(),
        label_differs_for_code=pl.col("local_label").n_unique().over(code) > 1,
        label_starts_like_formula=pl.col("local_label").str.contains(FORMULA_START),
        note_starts_like_formula=pl.col("note").str.contains(FORMULA_START),
    )
    spans = (
        item.filter(~pl.col("line_is_repeated") & start.is_not_null() & (end.is_null() | (end >= start)))
        .select("record_number", *code, start, end.fill_null(date.max).alias("valid_to"))
        .sort(*code, "valid_from", "record_number")
        .with_columns(_before=end.cum_max().shift().over(code), _next=start.shift(-1).over(code))
        .select("record_number", overlaps_another_line=((pl.col("_before") >= start) | (pl.col("_next") <= end)))
    )
    item = item.join(spans, on="record_number", how="left", maintain_order="left").with_columns(
        pl.col("overlaps_another_line").fill_null(False)
    )
    return {"item": item}


_BY_FLOW: dict[str, Callable[[Contract, Frames, CheckContext], Frames]] = {
    "IASS": _iass,
    "NAAR": _naar,
    "NOML": _noml,
    "SISAM": prepare_care.sisam,
    "SMAC": prepare_care.smac,
}
