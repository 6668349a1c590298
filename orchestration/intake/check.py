"""The rules of a contract over whole columns.

`check` evaluates every `polars-sql` rule of a table in one select over the frames of `prepare` and returns
findings. The rules are data of the contract; those with the engine `gate` are the gate's. Findings tell place
and rule, never a value.
"""

from __future__ import annotations

from functools import cache

import polars as pl

from orchestration.intake.contract import POLARS_SQL, Contract, Rule, Table, load_contract
from orchestration.intake.prepare import CheckContext as CheckContext
from orchestration.intake.prepare import Frames as Frames
from orchestration.intake.prepare import prepare as prepare

CANCELLATION = "C"
FINDINGS: dict[str, type[pl.DataType]] = {
    "record_number": pl.Int64,
    "table_name": pl.String,
    "item": pl.String,
    "field": pl.String,
    "rule_code": pl.String,
    "grade": pl.String,
}


def check(contract: Contract, frames: Frames, context: CheckContext, only_cross_record: bool = False) -> pl.DataFrame:
    """Findings of all `polars-sql` rules on prepared frames, by record, place and rule. All findings of each record."""
    found = [pl.DataFrame(schema=FINDINGS)]
    for table in contract.tables:
        found += _check_table(contract, table, frames[table.name], only_cross_record)
    if len(found) == 1:
        return found[0]
    return pl.concat(found).sort("record_number", "table_name", "item", "rule_code")


def _check_table(contract: Contract, table: Table, frame: pl.DataFrame, only_cross_record: bool) -> list[pl.DataFrame]:
    if frame.is_empty():
        return []
    asked, expressions = _expressions(contract.flow_code, table.name, only_cross_record)
    if not asked:
        return []
    broken = frame.select(expressions)
    hit = broken.select(pl.all().any()).row(0, named=True)
    if not any(hit.values()):
        return []
    places = frame.select("record_number", *(pl.col(c).cast(pl.String) for c in contract.places(table)))
    return [_findings(rule, field, table, places[broken[name].arg_true()]) for name, rule, field in asked if hit[name]]


def _findings(rule: Rule, field: str | None, table: Table, places: pl.DataFrame) -> pl.DataFrame:
    inner = places.columns[1:]
    return places.select(
        pl.col("record_number").cast(pl.Int64),
        pl.lit(table.name).alias("table_name"),
        (pl.concat_str(inner, separator=".") if inner else pl.lit(None, dtype=pl.String)).alias("item"),
        pl.lit(field, dtype=pl.String).alias("field"),
        pl.lit(rule.code).alias("rule_code"),
        pl.lit(rule.grade).alias("grade"),
    )


@cache
def _expressions(
    flow_code: str, table: str, only_cross_record: bool
) -> tuple[list[tuple[str, Rule, str | None]], list[pl.Expr]]:
    """Column, rule and field of each thing that rules of a table look at, and the columns, true where broken."""
    contract = load_contract(flow_code)
    rules = [rule for rule in contract.rules if rule.engine == POLARS_SQL and rule.table == table]
    # a cancellation may carry its key alone: nothing else of it is judged
    stays = (pl.col("operation") != CANCELLATION).fill_null(True) if contract.has_operations else pl.lit(True)
    asked, expressions = [], []
    for rule in rules:
        if only_cross_record and not rule.is_cross_record:
            continue
        for field, expression in rule.per_field():
            name = f"{rule.code} {field}"
            is_broken = pl.sql_expr(expression)
            is_broken = is_broken if rule.on_cancellation else is_broken & stays
            asked.append((name, rule, field))
            expressions.append(is_broken.fill_null(False).alias(name))
    return asked, expressions
