"""Spans of time of persons under a key of the sender: contracts, cases. Which overlap, and what was said before.

The comparison is on columns; what earlier deliveries said comes from `known`, the one query here. Whether an overlap
is wrong, and of which grade, stands in the contracts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
import psycopg

Connection = psycopg.Connection[Any]

#: One live record of an earlier delivery.
KNOWN: dict[str, type[pl.DataType]] = {
    "sender_code": pl.String,
    "span_id": pl.String,
    "person": pl.String,
    "start_on": pl.Date,
    "end_on": pl.Date,
    "period_start_on": pl.Date,
}
ANONYMOUS = ("98", "99")


@dataclass(frozen=True)
class _Source:
    """Where the spans of a flow stand in raw."""

    table: str
    id_column: str
    start_column: str
    end_column: str


_SOURCES = {
    "SISAM": _Source("sisam__case", "case_id", "report_on", "closed_on"),
    "SMAC": _Source("smac__contract", "contract_id", "start_on", "end_on"),
}


def nothing_known(_: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(schema=KNOWN)


def person(frame: pl.DataFrame) -> pl.Expr:
    """By what the person of a row can be known again: a valid identifier, else the sender's own id. It is compared,
    never written."""
    is_named = pl.col("identifier_is_valid") & ~pl.col("identifier_type_code").is_in(ANONYMOUS)
    return (
        pl.when(is_named)
        .then(pl.col("base_identifier"))
        .otherwise(pl.col("sender_code") + "/" + pl.col("local_id"))
        .alias("person")
    )


def known(conn: Connection, flow: str, asked: pl.DataFrame) -> pl.DataFrame:
    """What live records of earlier deliveries say of the keys of `asked` (sender_code, one and the same; span_id) with
    this sender and of its persons (person) with any. Reads the vault: the result stays in memory."""
    if asked.is_empty():
        return nothing_known(asked)
    source, sender = _SOURCES[flow], asked["sender_code"][0]
    persons = asked["person"].drop_nulls().unique().to_list()
    rows = conn.execute(
        f"""with told as (
            select
                span.sender_code, span.{source.id_column}, span.{source.start_column}, span.{source.end_column},
                span.period_start_on, span.delivery_id, span.record_number, span.person_ref
            from raw.{source.table} as span
            where span.sender_code = %(sender)s and span.{source.id_column} = any(%(ids)s)
            union
            select
                span.sender_code, span.{source.id_column}, span.{source.start_column}, span.{source.end_column},
                span.period_start_on, span.delivery_id, span.record_number, span.person_ref
            from vault.presented_person as person
            inner join raw.{source.table} as span on span.person_ref = person.person_ref
            where person.flow_code = %(flow)s
                and (
                    (person.base_identifier = any(%(persons)s) and person.is_identifier_valid)
                    or (person.sender_code = %(sender)s and person.local_id = any(%(local_ids)s))
                )
        )
        select
            told.sender_code, told.{source.id_column},
            case
                when person.is_identifier_valid then person.base_identifier
                else person.sender_code || '/' || person.local_id
            end,
            told.{source.start_column}, told.{source.end_column}, told.period_start_on
        from told
        inner join landing.live_key as live
            on live.delivery_id = told.delivery_id and live.record_number = told.record_number
        left join vault.presented_person as person on person.person_ref = told.person_ref
        where live.flow_code = %(flow)s and live.is_live""",
        {
            "flow": flow,
            "sender": sender,
            "ids": asked["span_id"].drop_nulls().unique().to_list(),
            "persons": persons,
            "local_ids": [p.removeprefix(f"{sender}/") for p in persons if p.startswith(f"{sender}/")],
        },
    ).fetchall()
    return pl.DataFrame(rows, schema=KNOWN, orient="row")


def overlapping(frame: pl.DataFrame, known_spans: pl.DataFrame) -> pl.Series:
    """For each row of `frame` (sender_code, span_id, person, start_on, end_on, operation; in file order) whether its
    span overlaps another one of the same person, in the frame or known. Both ends are part of a span; null = open.

    What a file says of a key takes the place of what was known of it, and so does a later period of an earlier one.
    """
    columns = ["sender_code", "span_id", "person", "start_on", "end_on"]
    own = frame.with_row_index("_row").unique(["sender_code", "span_id"], keep="last", maintain_order=True)
    before = known_spans.join(own, on=["sender_code", "span_id"], how="anti").sort("period_start_on")
    spans = (
        pl.concat(
            [
                own.filter(pl.col("operation") != "C").select("_row", *columns),
                before.unique(["sender_code", "span_id"], keep="last", maintain_order=True).select(
                    pl.lit(None, pl.UInt32).alias("_row"), *columns
                ),
            ]
        )
        .with_columns(pl.col("end_on").fill_null(date.max))
        .filter(pl.col("person").is_not_null() & (pl.col("start_on") <= pl.col("end_on")))
        .sort("person", "start_on", "end_on")
    )
    start, end = pl.col("start_on"), pl.col("end_on")
    hit = spans.filter(
        (end.cum_max().shift().over("person") >= start) | (start.shift(-1).over("person") <= end)
    ).get_column("_row")
    return pl.int_range(frame.height, dtype=pl.UInt32, eager=True).is_in(hit.drop_nulls().implode())
