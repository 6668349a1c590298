"""Features of SMAC and SISAM: one CSV row about one person, with a span of time under the sender's key.

As in `prepare`: columns that rules and loader read, no rule. The person's columns are those of `common_person`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from orchestration.intake import features, spans
from orchestration.intake.contract import Contract

if TYPE_CHECKING:
    from orchestration.intake.prepare import CheckContext, Frames


def smac(contract: Contract, frames: Frames, context: CheckContext) -> Frames:
    """A row is about a half-year: its date is the first day of it on which the contract runs."""
    start, period_start, period_end = pl.col("start_on"), pl.col("period_start_on"), pl.col("period_end_on")
    row = frames["contract"].with_columns(
        record_on=pl.when(start > period_end).then(period_end).otherwise(pl.max_horizontal(start, period_start))
    )
    row = _person(contract, row, pl.col("record_on"))
    first, last = pl.max_horizontal(start, period_start), pl.min_horizontal(pl.col("end_on"), period_end)
    expected = pl.col("paid_days") * pl.col("daily_amount_eur").cast(pl.Float64)
    off = (pl.col("paid_amount_eur").cast(pl.Float64) - expected).abs()
    row = row.with_columns(
        period_days=(period_end - period_start).dt.total_days() + 1,
        contract_days=(last - first).dt.total_days().clip(-1) + 1,
        # a billionth of a cent keeps what is exactly at the tolerance inside it
        paid_amount_differs=off > expected * pl.col("amount_tolerance") + 1e-9,
        span_id=pl.col("contract_id"),
    )
    known = context.known_spans(row)
    # contracts overlap over all senders
    spans.refuse_shared_persons(row, known)
    row = row.with_columns(spans.overlapping(row, known).alias("overlaps_another"))
    of_others = known.filter(pl.col("period_start_on") != context.period_start)
    row = _as_known(row, of_others)
    key = ["sender_code", "span_id"]
    ended = of_others.filter(pl.col("period_start_on") < context.period_start).sort("period_start_on")
    ended = ended.unique(key, keep="last", maintain_order=True).select(*key, known_end_on="end_on")
    return {"contract": row.join(ended, on=key, how="left", maintain_order="left")}


def sisam(contract: Contract, frames: Frames, context: CheckContext) -> Frames:
    """The date of a case is the day of the report."""
    report, closed = pl.col("report_on"), pl.col("closed_on")
    row = _person(contract, frames["case"].with_columns(record_on=report), pl.col("period_end_on"))
    row = row.with_columns(
        report_on_plus_year=report.dt.offset_by("1y"),
        age_at_closure=features.age(pl.col("birth_date"), closed),
        age_at_period_end=features.age(pl.col("birth_date"), pl.col("period_end_on")),
        span_id=pl.col("case_id"),
    )
    known = context.known_spans(row)
    # cases overlap within a sender; on the day on which one is closed another one may be opened
    ends_before = closed.dt.offset_by("-1d").alias("end_on")
    of_sender = (pl.col("sender_code") + "/" + pl.col("person")).alias("person")
    cases = row.select("sender_code", "span_id", of_sender, "operation", ends_before, start_on=report)
    before = known.with_columns(of_sender, pl.col("end_on").dt.offset_by("-1d"))
    row = row.with_columns(spans.overlapping(cases, before).alias("overlaps_another"))
    return {"case": _as_known(row, known)}


def _person(contract: Contract, row: pl.DataFrame, also_on: pl.Expr) -> pl.DataFrame:
    """What rules and loader read of the person, at `record_on`. The residence of a record that is sent again may be
    the one of then or of now (`also_on`): comuni merge."""
    on, comune = pl.col("record_on"), pl.col("residence_comune_code")
    row = row.with_columns(features.lists(contract.flow_code, contract.tables[0].name, "record_on"))
    row = features.comune(row, comune, "residence_comune_later", also_on)
    row = features.comune(row, comune, "residence_comune", on)
    row = features.local_id(features.birth_place(features.person(row, on), pl.col("birth_date")))
    return row.with_columns(
        residence_comune_is_valid=pl.col("residence_comune_is_valid") | pl.col("residence_comune_later_is_valid"),
        birth_year=pl.col("birth_date").dt.year().cast(pl.Int16),
    ).with_columns(spans.person(row))


def _as_known(row: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """What the newest of the known records says of the same key of this sender: `known_start_on`,
    `known_person_differs` (false unless both can be known by an identifier)."""
    newest = known.sort("period_start_on").unique(["sender_code", "span_id"], keep="last", maintain_order=True)
    newest = newest.select("sender_code", "span_id", known_start_on="start_on", _person="person")
    own, theirs, local = pl.col("person"), pl.col("_person"), pl.col("sender_code") + "/"
    differs = (own != theirs) & ~own.str.starts_with(local) & ~theirs.str.starts_with(local)
    return (
        row.join(newest, on=["sender_code", "span_id"], how="left", maintain_order="left")
        .with_columns(known_person_differs=differs.fill_null(False))
        .drop("_person")
    )
