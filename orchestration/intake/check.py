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
#: Columns that say where in its record an element stands, outermost first.
PLACES = ("demand_index", "outcome_number")
FINDINGS: dict[str, type[pl.DataType]] = {
    "record_number": pl.Int64,
    "table_name": pl.String,
    "item": pl.String,
    "field": pl.String,
    "rule_code": pl.String,
    "grade": pl.String,
}


def check(contract: Contract, frames: Frames, context: CheckContext) -> pl.DataFrame:
    """Findings of all `polars-sql` rules on prepared frames, by record, place and rule. All findings of each record."""
    found = [pl.DataFrame(schema=FINDINGS)]
    for table in contract.tables:
        found += _check_table(contract, table, frames[table.name])
    if len(found) == 1:
        return found[0]
    return pl.concat(found).sort("record_number", "table_name", "item", "rule_code")


def _check_table(contract: Contract, table: Table, frame: pl.DataFrame) -> list[pl.DataFrame]:
    if frame.is_empty():
        return []
    asked, expressions = _expressions(contract.flow_code, table.name)
    broken = frame.select(expressions)
    hit = broken.select(pl.all().any()).row(0, named=True)
    if not any(hit.values()):
        return []
    places = frame.select("record_number", *(pl.col(c).cast(pl.String) for c in PLACES if c in frame.columns))
    return [_findings(rule, table, places[broken[rule.code].arg_true()]) for rule in asked if hit[rule.code]]


def _findings(rule: Rule, table: Table, places: pl.DataFrame) -> pl.DataFrame:
    inner = places.columns[1:]
    return places.select(
        pl.col("record_number").cast(pl.Int64),
        pl.lit(table.name).alias("table_name"),
        (pl.concat_str(inner, separator=".") if inner else pl.lit(None, dtype=pl.String)).alias("item"),
        pl.lit(rule.field, dtype=pl.String).alias("field"),
        pl.lit(rule.code).alias("rule_code"),
        pl.lit(rule.grade).alias("grade"),
    )


@cache
def _expressions(flow_code: str, table: str) -> tuple[list[Rule], list[pl.Expr]]:
    """The rules of a table, and for each a column under its code that is true where it is broken."""
    contract = load_contract(flow_code)
    rules = [rule for rule in contract.rules if rule.engine == POLARS_SQL and rule.table == table]
    # a cancellation may carry its key alone: nothing else of it is judged
    stays = (pl.col("operation") != CANCELLATION).fill_null(True) if contract.has_operations else pl.lit(True)
    expressions = []
    for rule in rules:
        is_broken = pl.sql_expr(rule.expression)
        expressions.append((is_broken if rule.on_cancellation else is_broken & stays).fill_null(False).alias(rule.code))
    return rules, expressions
