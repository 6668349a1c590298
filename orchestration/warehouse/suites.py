"""The bridge to Great Expectations: suites of `expectations/suites` run over data sets of the warehouse.

A suite is a YAML file: a query that gives a small data set (senders, periods, counts, shares), expectations on its
columns, and what to list when they are broken. No data set may hold a row about one person, so nothing personal can
leave through a result; besides, results are asked for as yes or no, and what is listed comes from our own columns.
Great Expectations takes seconds to import: it is imported inside `run`, in an ephemeral context, never at load time.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from orchestration.settings import Settings
from orchestration.warehouse import connection

SUITES_DIR = Path(__file__).resolve().parents[2] / "expectations" / "suites"

#: How many offending rows a result lists; the count is always given in full.
LISTED_ROWS = 200


@dataclass(frozen=True)
class Expectation:
    """One expectation of Great Expectations and the sentence that says what it means when it is broken."""

    type: str
    kwargs: dict[str, Any]
    broken: str


@dataclass(frozen=True)
class Suite:
    """A data set and what is expected of it."""

    name: str
    asset: tuple[str, ...]
    description: str
    query: str
    expectations: tuple[Expectation, ...]
    offending: str
    """SQL condition over the columns of the query: the rows to list."""


@dataclass(frozen=True)
class SuiteResult:
    """What a suite found. `offenders` are rows of the data set: senders, periods, counts."""

    name: str
    is_successful: bool
    broken: tuple[str, ...]
    rows: int
    offending_rows: int
    offenders: tuple[dict[str, Any], ...]
    senders: tuple[str, ...]
    """Of all offending rows, also of those that are not listed."""


def load_validator() -> None:
    """Import Great Expectations ahead of the checks, while the process waits for something else."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    importlib.import_module("great_expectations")
    importlib.import_module("pandas")


def load_suites(folder: Path = SUITES_DIR) -> list[Suite]:
    """All suites, by name."""
    return [_suite(yaml.safe_load(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.yaml"))]


def _suite(document: dict[str, Any]) -> Suite:
    return Suite(
        name=document["name"],
        asset=tuple(document["asset"]),
        description=document["description"].strip(),
        query=document["query"],
        expectations=tuple(Expectation(e["type"], e["kwargs"], e["broken"]) for e in document["expectations"]),
        offending=document["offending"],
    )


def parameters(today: date) -> dict[str, Any]:
    """What queries may refer to: the day of the calendar, for each flow with a calendar the days after the period by
    which it is due (first window) and the months of a period, and from when to when a code is one of a sender."""
    from orchestration.intake import contract, reference

    contracts = [contract.load_contract(code) for code in contract.flow_codes()]
    due = [each for each in contracts if each.windows.first_days]
    senders = reference.sender_validity()
    return {
        "today": today,
        "flow_codes": [each.flow_code for each in due],
        "due_days": [each.windows.first_days for each in due],
        "period_months": [each.period_months for each in due],
        "sender_codes": senders["sender_code"].to_list(),
        "sender_from": senders["valid_from"].to_list(),
        "sender_to": senders["valid_to"].to_list(),
    }


def run(settings: Settings, suite: Suite, today: date) -> SuiteResult:
    """Read the suite's data set as of `today` and hold it against its expectations."""
    values = parameters(today)
    with connection.connect(settings, "transformer") as conn:
        conn.read_only = True
        cursor = conn.execute(suite.query, values)
        names = [column.name for column in cursor.description or ()]
        rows = cursor.fetchall()
        found = conn.execute(
            f"select * from ({suite.query}) as data_set where {suite.offending} order by 1, 2, 3", values
        ).fetchall()
    return SuiteResult(
        name=suite.name,
        is_successful=not (broken := _validate(suite, names, rows)),
        broken=broken,
        rows=len(rows),
        offending_rows=len(found),
        offenders=tuple(dict(zip(names, row, strict=True)) for row in found[:LISTED_ROWS]),
        senders=tuple(sorted({str(row[names.index("sender_code")]) for row in found}))
        if "sender_code" in names
        else (),
    )


def _validate(suite: Suite, names: list[str], rows: list[tuple[Any, ...]]) -> tuple[str, ...]:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    import pandas as pd
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("warehouse").add_dataframe_asset(suite.name)
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch(
        {"dataframe": pd.DataFrame(rows, columns=names)}
    )
    validation = batch.validate(
        gx.ExpectationSuite(
            name=suite.name,
            expectations=[
                {"type": each.type, "kwargs": each.kwargs, "meta": {"broken": each.broken}}
                for each in suite.expectations
            ],
        ),
        result_format={"result_format": "BOOLEAN_ONLY", "partial_unexpected_count": 0},
    )
    broken = []
    for result in validation.results:
        expectation = result.expectation_config
        assert expectation is not None
        if (result.exception_info or {}).get("raised_exception"):
            raise RuntimeError(f"{suite.name}: {expectation.type} could not be evaluated.")
        if not result.success:
            broken.append(str((expectation.meta or {})["broken"]))
    return tuple(broken)
