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


class SharedPersons(Exception):
    """Files that were to be judged together speak of the same persons: those of `senders` must come after the others,
    when what is in the others is known."""

    def __init__(self, senders: list[str]) -> None:
        self.senders = senders
        super().__init__(f"{len(senders)} senders")


def nothing_known(_: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(schema=KNOWN)


def person(frame: pl.DataFrame) -> pl.Expr:
    """By what the person of a row can be known again: a valid identifier, else the sender's own id, unless it only
    stands for one. It is compared, never written."""
    is_named = pl.col("identifier_is_valid") & ~pl.col("identifier_type_code").is_in(ANONYMOUS)
    return (
        pl.when(is_named)
        .then(pl.col("base_identifier"))
        .when(~pl.col("local_id_is_placeholder"))
        .then(pl.col("sender_code") + "/" + pl.col("local_id"))
        .alias("person")
    )


def known(conn: Connection, flow: str, asked: pl.DataFrame) -> pl.DataFrame:
    """What live records of earlier deliveries say of the keys of `asked` (sender_code, span_id), and of its persons
    (person) with any sender. Reads the vault: the result stays in memory."""
    if asked.is_empty():
        return nothing_known(asked)
    source = _SOURCES[flow]
    keys = asked.select("sender_code", "span_id").drop_nulls().unique()
    persons = asked.select("sender_code", "person").drop_nulls().unique()
    local_ids = persons.select("sender_code", pl.col("person").str.strip_prefix(pl.col("sender_code") + "/"))
    local_ids = local_ids.filter(local_ids["person"] != persons["person"])
    rows = conn.execute(
        f"""with told as (
            select
                span.sender_code, span.{source.id_column}, span.{source.start_column}, span.{source.end_column},
                span.period_start_on, span.delivery_id, span.record_number, span.person_ref
            from unnest(%(key_senders)s::text[], %(keys)s::text[]) as asked (sender_code, span_id)
            inner join raw.{source.table} as span
                on span.sender_code = asked.sender_code and span.{source.id_column} = asked.span_id
            union
            select
                span.sender_code, span.{source.id_column}, span.{source.start_column}, span.{source.end_column},
                span.period_start_on, span.delivery_id, span.record_number, span.person_ref
            from (
                select person_ref from vault.presented_person
                where flow_code = %(flow)s and base_identifier = any(%(persons)s) and is_identifier_valid
                union all
                select person.person_ref
                from unnest(%(local_senders)s::text[], %(local_ids)s::text[]) as asked (sender_code, local_id)
                inner join vault.presented_person as person using (sender_code, local_id)
                where person.flow_code = %(flow)s
            ) as person
            inner join raw.{source.table} as span on span.person_ref = person.person_ref
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
        where live.is_live""",
        {
            "flow": flow,
            "key_senders": keys["sender_code"].to_list(),
            "keys": keys["span_id"].to_list(),
            "persons": persons["person"].unique().to_list(),
            "local_senders": local_ids["sender_code"].to_list(),
            "local_ids": local_ids["person"].to_list(),
        },
    ).fetchall()
    return pl.DataFrame(rows, schema=KNOWN, orient="row")


def refuse_shared_persons(frame: pl.DataFrame, known_spans: pl.DataFrame) -> None:
    """Raise `SharedPersons` when a file of several in `frame` speaks of a person of whom one before it speaks too, or
    of whom it is known that a key of that one was hers: judged one by one, the later file would know the earlier."""
    senders = frame["sender_code"].unique(maintain_order=True)
    if len(senders) < 2:
        return
    held = known_spans.join(frame, on=["sender_code", "span_id"], how="semi")
    told = pl.concat(
        [
            frame.select("sender_code", "person"),
            frame.filter("identifier_is_valid").select("sender_code", person="base_identifier"),
            held.select("sender_code", "person"),
        ]
    )
    places = pl.DataFrame({"sender_code": senders}).with_row_index("_place")
    told = told.drop_nulls().unique().join(places, on="sender_code").sort("_place")
    later = told.filter(~pl.col("person").is_first_distinct())["sender_code"].unique()
    if len(later):
        raise SharedPersons(later.to_list())


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
