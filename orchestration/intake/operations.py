"""Insert, variation, cancellation: what a record may do to its key, and the state of the keys afterwards.

Pure functions on columns. Where the state is kept (`landing.live_key`) is the ledger's matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

INSERT, VARIATION, CANCELLATION = "I", "V", "C"
OPERATIONS = (INSERT, VARIATION, CANCELLATION)


@dataclass(frozen=True)
class Judgement:
    """`findings`: record_number, condition. `states`: record_key, is_live, record_number after the records."""

    findings: pl.DataFrame
    states: pl.DataFrame


def judge(records: pl.DataFrame, keys: pl.DataFrame) -> Judgement:
    """Judge `records` (record_number, record_key, operation, is_discarded; in file order) against the keys so far.

    `keys`: record_key, is_live, is_of_this_file (its state comes from an earlier record of the same file).

    A record that other rules discard is judged too, so that its sender hears everything at once, but changes no key.
    Records without a key or with an unknown operation are left to the rules that say so.
    """
    known = records.filter(pl.col("record_key").is_not_null() & pl.col("operation").is_in(OPERATIONS))
    known = known.join(keys, on="record_key", how="left", maintain_order="left").with_columns(
        pl.col("is_live", "is_of_this_file").fill_null(False)
    )
    repeated = known.get_column("record_key").is_duplicated()
    once = known.filter(~repeated).with_columns(
        ((pl.col("operation") == INSERT) == pl.col("is_live")).alias("is_wrong")
    )
    again = _in_order(known.filter(repeated))
    judged = pl.concat([once, again]) if again.height else once
    findings = judged.filter("is_wrong").select(
        "record_number",
        pl.when("is_of_this_file")
        .then(pl.lit("duplicated_key_in_file"))
        .when(pl.col("operation") == INSERT)
        .then(pl.lit("insert_live_key"))
        .otherwise(pl.lit("change_missing_key"))
        .alias("condition"),
    )
    states = (
        judged.filter(~pl.col("is_wrong") & ~pl.col("is_discarded"))
        .sort("record_number")
        .group_by("record_key")
        .agg(pl.col("operation").last(), pl.col("record_number").last())
        .select("record_key", (pl.col("operation") != CANCELLATION).alias("is_live"), "record_number")
    )
    return Judgement(findings.sort("record_number"), states)


def _in_order(records: pl.DataFrame) -> pl.DataFrame:
    """Keys that stand in several records: one after the other, as the sender meant them."""
    state: dict[str, bool] = {}
    wrong, of_this_file = [], []
    for key, operation, is_discarded, is_live, is_of_this_file in records.select(
        "record_key", "operation", "is_discarded", "is_live", "is_of_this_file"
    ).iter_rows():
        is_wrong = (operation == INSERT) == state.get(key, is_live)
        wrong.append(is_wrong)
        of_this_file.append(is_of_this_file or key in state)
        if not is_wrong and not is_discarded:
            state[key] = operation != CANCELLATION
    return records.with_columns(
        pl.Series("is_wrong", wrong, dtype=pl.Boolean), pl.Series("is_of_this_file", of_this_file, dtype=pl.Boolean)
    ).select(*records.columns, "is_wrong")
