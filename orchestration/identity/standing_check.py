"""The standing check: records that a code has linked, linked once more with the code hidden.

Belongs here: the sample of a month, and its score in `landing.linkage_check`, counts only. Not here: the truth of the
synthetic region (`quality.py`): this check needs none, so it goes on where there is none.

It tells whether the model still fits. Records without a code are written with less care than these, so what it shows is
the most that can be hoped of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl
import psycopg

from orchestration.identity import source, training
from orchestration.identity.comparing import SOURCE
from orchestration.identity.deciding import decide
from orchestration.identity.model import DIVIDING
from orchestration.identity.steps import Steps

#: Records by month and flow: enough to see a change of a per cent in a year.
SAMPLE = 200
_NO_REVIEW = pl.DataFrame(
    schema={
        "person_key": pl.Int64, "other_key": pl.Int64, "is_same": pl.Boolean, "person_ref": pl.Binary,
        "other_ref": pl.Binary,
    }
)  # fmt: skip

# Months that brought deliveries since they were checked. Tokens are keyed hashes: their order is an even draw.
_DUE = """
select distinct date_trunc('month', delivery.period_start_on)::date
from landing.delivery as delivery
left join landing.linkage_check as checked
    on checked.flow_code = delivery.flow_code
    and checked.month_on = date_trunc('month', delivery.period_start_on)::date
where delivery.outcome = 'accepted' and delivery.flow_code not in ('NAAR', 'NOML')
    and delivery.period_start_on is not null
    and (checked.checked_at is null or checked.checked_at < delivery.processed_at)
    and exists (select from vault.presented_person as brought where brought.first_delivery_id = delivery.delivery_id
        and brought.family_name is not null)
"""
_SAMPLED = """presented.person_ref in (
    select drawn.person_ref
    from (
        select candidate.person_ref,
            row_number() over (
                partition by candidate.flow_code, date_trunc('month', delivery.period_start_on)
                order by candidate.person_ref
            ) as position
        from vault.presented_person as candidate
        inner join landing.delivery as delivery on delivery.delivery_id = candidate.first_delivery_id
        inner join raw.identity__person as known on known.person_ref = candidate.person_ref
        where known.match_method_code = 'registry'
            and candidate.family_name is not null and candidate.given_name is not null
            and date_trunc('month', delivery.period_start_on)::date = any(array[{months}]::date[])
    ) as drawn
    where drawn.position <= {sample}
)"""


#: Below these the model is looked at: it was never meant to be worse on records as clean as these.
PRECISION, RECALL = 0.998, 0.95


@dataclass(frozen=True)
class Checked:
    """Counts of a check; good when nothing was checked."""

    n_records: int = 0
    n_right: int = 0
    n_wrong: int = 0

    @property
    def is_good(self) -> bool:
        return self.n_right >= PRECISION * (self.n_right + self.n_wrong) and self.n_right >= RECALL * self.n_records

    @property
    def sentence(self) -> str:
        if not self.n_records:
            return "Nothing to check: codes have linked no record with names."
        return (
            f"Of {self.n_records:,} records linked by code, {self.n_right:,} came to the same person with the code "
            f"hidden and {self.n_wrong:,} to another."
        )


def latest(conn: psycopg.Connection[Any]) -> Checked:
    """The check of the newest month, over all flows."""
    row = conn.execute(
        """select coalesce(sum(n_records), 0), coalesce(sum(n_right), 0), coalesce(sum(n_wrong), 0)
        from landing.linkage_check where month_on = (select max(month_on) from landing.linkage_check)"""
    ).fetchone()
    assert row
    return Checked(*map(int, row))


def check(memory: source.Memory, steps: Steps) -> Checked:
    """Check the months that are due; without a model there is nothing to check."""
    model, _ = training.newest(steps)
    months = [row[0].isoformat() for row in steps.conn.execute(_DUE).fetchall()] if model else []
    if not months or model is None:
        return Checked()
    days = ", ".join(f"'{month}'" for month in months)
    records = memory.frame(source.LINKED_BY_CODE, _SAMPLED.format(months=days, sample=SAMPLE))
    if records.is_empty():
        return Checked()
    records = records.unique("ref", keep="first", maintain_order=True)
    comparer = memory.comparer
    comparer.load("hidden", records.select(SOURCE).to_arrow())
    comparer.pick("hidden", memory.registry)
    scored = comparer.score(model, training.terms(steps, model.version), "hidden", memory.registry)
    found = judged(records, scored.with_columns(is_guarded=model.is_guarded(), is_dividing=model.is_guarded(DIVIDING)))
    for row in found.iter_rows(named=True):
        steps.one(
            """insert into landing.linkage_check
                (month_on, flow_code, model_version, n_records, n_right, n_wrong, n_review)
            values (%(month_on)s, %(flow_code)s, %(version)s, %(n_records)s, %(n_right)s, %(n_wrong)s, %(n_review)s)
            on conflict (month_on, flow_code) do update set
                model_version = excluded.model_version, n_records = excluded.n_records, n_right = excluded.n_right,
                n_wrong = excluded.n_wrong, n_review = excluded.n_review, checked_at = clock_timestamp()""",
            version=model.version,
            **row,
        )
    return Checked(int(found["n_records"].sum()), int(found["n_right"].sum()), int(found["n_wrong"].sum()))


def judged(records: pl.DataFrame, scored: pl.DataFrame) -> pl.DataFrame:
    """Counts by month and flow: `records` with `true_ref`, `scored` as the comparer gives it."""
    persons = pl.concat([scored["other_ref"], records["true_ref"]]).unique().sort()
    numbered = pl.DataFrame(
        {"other_ref": persons, "other_key": pl.int_range(len(persons), eager=True) + records.height}
    )
    records = records.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("person_key"))
    pairs = (
        scored.join(records.select("ref", "person_key"), on="ref")
        .join(numbered, on="other_ref")
        .select(
            pl.col("ref").alias("person_ref"), "person_key", "other_ref", "other_key",
            pl.lit(True).alias("other_is_known"), "weight", "is_guarded", "is_dividing",
        )
    )  # fmt: skip
    nodes = records.select(
        "person_key", pl.lit(False).alias("is_known"), pl.col("person_key").alias("first_delivery_id")
    )
    made = decide(nodes, pairs, _NO_REVIEW)
    linked = pl.col("linked_key").is_not_null()
    is_right = pl.col("linked_key") == pl.col("true_key")
    return (
        records.join(made.links.select("person_key", "linked_key"), on="person_key", how="left")
        .join(made.cases.select("person_key", pl.lit(True).alias("waits")).unique(), on="person_key", how="left")
        .join(numbered.rename({"other_ref": "true_ref", "other_key": "true_key"}), on="true_ref")
        .group_by("month_on", "flow_code")
        .agg(
            pl.len().alias("n_records"),
            (linked & is_right).sum().alias("n_right"),
            (linked & ~is_right).sum().alias("n_wrong"),
            (~linked & pl.col("waits").fill_null(False)).sum().alias("n_review"),
        )
        .sort("month_on", "flow_code")
    )
