"""What the gate finds in a synthetic region is what was put into it: record by record, delivery by delivery."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from orchestration.demo.generate import generate
from orchestration.intake.gate import intake
from orchestration.settings import Settings
from orchestration.warehouse.connection import connect

PLACE = ["file_name", "record_number", "item", "rule_code", "grade"]


def test_every_fault_is_found_and_nothing_else(settings: Settings, tmp_path: Path) -> None:
    out = tmp_path / "region"
    generate(out, scale=0.02, start_month=date(2013, 5, 1), months=3, seed=3)
    arrivals = pl.read_csv(out / "arrivals.csv")
    results = intake(settings, [out / "landing" / path for path in arrivals["path"]])

    expected = (
        pl.read_parquet(out / "truth" / "findings.parquet").select(PLACE).with_columns(pl.col("item").fill_null(""))
    )
    with connect(settings, "owner") as conn:
        rows = conn.execute(
            """select file_name, record_number, coalesce(item, ''), rule_code, finding.grade
            from landing.finding inner join landing.delivery using (delivery_id)"""
        ).fetchall()
    found = pl.DataFrame(rows, schema=expected.schema, orient="row")
    missed = expected.join(found, on=PLACE, how="anti", nulls_equal=True)
    invented = found.join(expected, on=PLACE, how="anti", nulls_equal=True)
    assert expected["rule_code"].n_unique() >= 8
    assert missed.is_empty(), missed
    assert invented.is_empty(), invented

    counts = ["file_name", "outcome", "records_sent", "records_accepted", "records_discarded", "records_flagged"]
    wanted = (
        pl.read_parquet(out / "truth" / "deliveries.parquet").filter(pl.col("outcome") != "repeated").select(counts)
    )
    ledger = pl.DataFrame(
        [tuple(getattr(result, name) for name in counts) for result in results if result.outcome != "repeated"],
        schema=wanted.schema,
        orient="row",
    )
    assert wanted.join(ledger, on=counts, how="anti").is_empty(), wanted.join(ledger, on=counts, how="anti")
    n_repeats = sum(result.outcome == "repeated" for result in results)
    assert n_repeats == (pl.read_parquet(out / "truth" / "deliveries.parquet")["outcome"] == "repeated").sum()
