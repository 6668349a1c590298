"""The standing check: records that a code has linked, linked once more with the code hidden.

Belongs here: the sample of a month, and its score in `landing.linkage_check`, counts only. Not here: the truth of the
synthetic region (`quality.py`): this check needs none, so it goes on where there is none.

It tells whether the model still fits. Records without a code are written with less care than these, so what it shows is
the most that can be hoped of them. Two more counts show what is linked that should not be: the same records with their
own person taken out of the registry (absent), and under a given name that is like theirs (an absent twin).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl
import psycopg

from orchestration.identity import source, training
from orchestration.identity.comparing import SOURCE, Comparer
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
#: Of absent persons and of absent twins, more than this must not be taken for somebody of the registry.
LINKED_WRONGLY = 0.01
_COUNTS = ("n_records", "n_right", "n_wrong", "n_absent_linked", "n_twins", "n_twins_linked")
_CELL = ["month_on", "flow_code"]


@dataclass(frozen=True)
class Checked:
    """Counts of a check; good when nothing was checked."""

    n_records: int = 0
    n_right: int = 0
    n_wrong: int = 0
    n_absent_linked: int = 0
    n_twins: int = 0
    n_twins_linked: int = 0

    @property
    def is_good(self) -> bool:
        return (
            self.n_right >= PRECISION * (self.n_right + self.n_wrong)
            and self.n_right >= RECALL * self.n_records
            and self.n_absent_linked <= LINKED_WRONGLY * self.n_records
            and self.n_twins_linked <= LINKED_WRONGLY * self.n_twins
        )

    @property
    def sentence(self) -> str:
        if not self.n_records:
            return "Nothing to check: codes have linked no record with names."
        return (
            f"Of {self.n_records:,} records linked by code, {self.n_right:,} came to the same person with the code "
            f"hidden and {self.n_wrong:,} to another. Were they not in the registry, {self.n_absent_linked:,} would be "
            f"taken for somebody else; of {self.n_twins:,} twins with a similar name, {self.n_twins_linked:,} for them."
        )


def latest(conn: psycopg.Connection[Any]) -> Checked:
    """The check of the newest month, over all flows."""
    row = conn.execute(
        f"""select {", ".join(f"coalesce(sum({name}), 0)" for name in _COUNTS)}
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
    comparer, terms = memory.comparer, training.terms(steps, model.version)

    def scored(asked: pl.DataFrame) -> pl.DataFrame:
        comparer.load("hidden", asked.select(SOURCE).to_arrow())
        comparer.pick("hidden", memory.registry)
        pairs = comparer.score(model, terms, "hidden", memory.registry)
        return pairs.with_columns(is_guarded=model.is_guarded(), is_dividing=model.is_guarded(DIVIDING))

    pairs = scored(records)
    itself = records.select("ref", pl.col("true_ref").alias("other_ref"))
    of_others = pairs.join(itself, on=["ref", "other_ref"], how="anti")
    twins = _absent_twins(comparer, records)
    found = (
        _counted(judged(records, pairs), "n_records", "n_right", "n_wrong", "n_review")
        .join(_counted(judged(records, of_others), "", "", "n_absent_linked"), on=_CELL)
        .join(_counted(judged(twins, scored(twins)), "n_twins", "n_twins_linked"), on=_CELL, how="left")
        .with_columns(pl.col("n_twins", "n_twins_linked").fill_null(0))
    )
    for row in found.iter_rows(named=True):
        steps.one(
            """insert into landing.linkage_check
                (month_on, flow_code, model_version, n_records, n_right, n_wrong, n_review,
                n_absent_linked, n_twins, n_twins_linked)
            values (%(month_on)s, %(flow_code)s, %(version)s, %(n_records)s, %(n_right)s, %(n_wrong)s, %(n_review)s,
                %(n_absent_linked)s, %(n_twins)s, %(n_twins_linked)s)
            on conflict (month_on, flow_code) do update set
                model_version = excluded.model_version, n_records = excluded.n_records, n_right = excluded.n_right,
                n_wrong = excluded.n_wrong, n_review = excluded.n_review, n_absent_linked = excluded.n_absent_linked,
                n_twins = excluded.n_twins, n_twins_linked = excluded.n_twins_linked, checked_at = clock_timestamp()""",
            version=model.version,
            **row,
        )
    return Checked(*(int(found[name].sum()) for name in _COUNTS))


def _absent_twins(comparer: Comparer, records: pl.DataFrame) -> pl.DataFrame:
    """The records with a frequent given name once more under another one that is like it, and no other spelling of
    it: of twins whom the registry does not know. `true_ref` is whose twin it is."""
    comparer.con.register("asked", records.select("ref", "given_name").to_arrow())
    named = comparer.con.sql(
        """select ref, arg_min(other, hash(ref, other)) as given_name
        from (
            select asked.ref, fold(asked.given_name) as own, frequent.given as other
            from asked cross join frequent
        ) as pair
        where own in (select frequent.given from frequent)
            and sound(own) <> sound(other) and own[1] = other[1] and jaro_winkler_similarity(own, other) >= 0.8
        group by ref"""
    ).pl()
    comparer.con.unregister("asked")
    return records.drop("given_name").join(named, on="ref", how="inner", maintain_order="left")


def _counted(found: pl.DataFrame, *names: str) -> pl.DataFrame:
    """Counts of judged records by month and flow under the names given, in the order all, right, wrong, to review."""
    verdicts = (pl.len(), *((pl.col("verdict") == verdict).sum() for verdict in ("right", "wrong", "review")))
    kept = [count.alias(name) for name, count in zip(names, verdicts, strict=False) if name]
    return found.group_by(_CELL).agg(kept).sort(_CELL)


def judged(records: pl.DataFrame, scored: pl.DataFrame) -> pl.DataFrame:
    """`records` (with `true_ref`) with a verdict by their pairs, `scored` as the comparer gives them: right, wrong, to
    review, missed."""
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
    return (
        records.join(made.links.select("person_key", "linked_key"), on="person_key", how="left")
        .join(made.cases.select("person_key", pl.lit(True).alias("waits")).unique(), on="person_key", how="left")
        .join(numbered.rename({"other_ref": "true_ref", "other_key": "true_key"}), on="true_ref")
        .with_columns(
            pl.when(linked & (pl.col("linked_key") == pl.col("true_key")))
            .then(pl.lit("right"))
            .when(linked)
            .then(pl.lit("wrong"))
            .when(pl.col("waits"))
            .then(pl.lit("review"))
            .otherwise(pl.lit("missed"))
            .alias("verdict")
        )
    )
