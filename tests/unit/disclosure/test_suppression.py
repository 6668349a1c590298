"""Published tables against an attacker who solves all of them together: small cells stay unknown, and the
attack works on
tables that are not protected."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from orchestration.disclosure import cells, files, protect, system, tables
from orchestration.disclosure.cells import REGION, Places
from orchestration.disclosure.tables import Plan
from orchestration.errors import IassError
from tests.attacking import too_narrow

AUSL_OF = {"101": "A1", "102": "A1", "103": "A1", "201": "A2", "202": "A2", "203": "A2"}
MONTHS = pl.DataFrame(
    [(district, ausl, date(2013, month, 1)) for district, ausl in AUSL_OF.items() for month in range(1, 7)],
    schema={"district_code": pl.String, "ausl_code": pl.String, "contact_on": pl.Date},
    orient="row",
)
WHERE = Places(
    pl.DataFrame({"district_code": list(AUSL_OF), "ausl_code": list(AUSL_OF.values())}),
    MONTHS.slice(1),
    MONTHS,
    frozenset(MONTHS["contact_on"]),
)


@pytest.fixture(scope="module")
def plan() -> Plan:
    kept = ("t01_contatti", "t05_persone", "t06_persone_target", "c01_domande_target")
    whole = tables.load().for_periods({"month", "quarter", "half_year"})
    return tables.Plan(
        whole.licence,
        whole.threshold,
        whole.measures,
        whole.dimensions,
        whole.coverage,
        tuple(t for t in whole.tables if t.code in kept),
    )


@pytest.fixture(scope="module")
def counted(plan: Plan) -> pl.DataFrame:
    """Cells of a made-up half-year: many small ones, persons who come twice."""
    random = np.random.default_rng(7)
    n = 900
    target = random.choice(["FAM", "ANZ", "DIS", "IMM", "POV"], n, p=[0.5, 0.3, 0.15, 0.03, 0.02])
    rows = pl.DataFrame(
        {
            "contact_on": [date(2013, int(month), 5) for month in random.integers(1, 7, n)],
            "district_code": random.choice(list(AUSL_OF), n, p=[0.4, 0.2, 0.05, 0.2, 0.13, 0.02]),
            "n": np.ones(n, dtype=np.int64),
            "contributor": random.integers(1, 600, n),
            "target": target,
        }
    )
    return cells.tabulate(plan, dict.fromkeys(plan.measures, rows), WHERE)


def _arrays(counted: pl.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    value = counted["value"].to_numpy().astype(float)
    threshold = counted["threshold"].to_numpy().astype(float)
    return value, threshold, protect.primary(counted), protect.costs(counted)


def _write(folder: Path, plan: Plan, counted: pl.DataFrame, hidden: np.ndarray) -> Path:
    shown = counted.with_columns(shown=pl.when(pl.Series(hidden)).then(None).otherwise(pl.col("value")))
    names = files.Names({code: {} for code in plan.dimensions}, {})
    frames = {table.code: files.table_rows(table, plan, shown, WHERE, names) for table in plan.tables}
    frames[plan.coverage.code] = files.coverage_rows(plan, WHERE, names)
    files.write(folder, plan, "2013-H1", frames, b"", {})
    return folder


def test_the_attack_breaks_primary_suppression_and_fails_on_the_release(
    tmp_path: Path, plan: Plan, counted: pl.DataFrame
) -> None:
    value, threshold, small, cost = _arrays(counted)
    tied = system.build(counted, plan, AUSL_OF)
    assert small.sum() > 20
    only_small = _write(tmp_path / "primary", plan, counted, small)
    assert len(too_narrow([only_small], plan, counted, AUSL_OF, is_strong=False)) > 5, (
        "the attack finds nothing: it is no attack"
    )

    pattern = protect.suppress(tied, value, threshold, small, cost)
    release = _write(tmp_path / "release", plan, counted, pattern.is_suppressed)
    for is_strong in (False, True):
        assert not too_narrow([release], plan, counted, AUSL_OF, is_strong=is_strong)
    assert pattern.n_complementary < (~small).sum(), "everything is suppressed"

    manifest = {path.name for path in release.iterdir()} - {"manifest.json"}
    assert manifest == set(json.loads((release / "manifest.json").read_text())["files"])
    # A later release keeps hidden what was hidden, and what was shown cannot be used to hide.
    again = protect.suppress(
        tied, value, threshold, small, cost, sticky=pattern.is_suppressed, known=~pattern.is_suppressed
    )
    assert (again.is_suppressed == pattern.is_suppressed).all()
    # Two releases that each protect the same cells, put side by side, are one larger table for the attacker.
    both = [release, _write(tmp_path / "again", plan, counted, again.is_suppressed)]
    assert not too_narrow(both, plan, counted, AUSL_OF, is_strong=True)


def test_what_was_shown_before_is_never_used_to_hide(plan: Plan, counted: pl.DataFrame) -> None:
    value, threshold, small, cost = _arrays(counted)
    tied = system.build(counted, plan, AUSL_OF)
    with pytest.raises(IassError, match="cannot be protected"):
        protect.suppress(tied, value, threshold, small, cost, known=~small)


def test_sums_hold_and_every_direction_is_tied(plan: Plan, counted: pl.DataFrame) -> None:
    value, *_ = _arrays(counted)
    tied = system.build(counted, plan, AUSL_OF)
    for relation in tied.relations:
        parts, whole = value[list(relation.parts)], value[relation.whole]
        assert parts.max() <= whole <= parts.sum() if relation.is_distinct else parts.sum() == whole
    regions = {counted["place"][each.whole] for each in tied.relations}
    assert REGION in regions and "A1" in regions


def test_zero_is_shown_and_suppressed_is_marked(tmp_path: Path, plan: Plan, counted: pl.DataFrame) -> None:
    _, _, small, _ = _arrays(counted)
    folder = _write(tmp_path / "one", plan, counted, small)
    frame = pl.read_csv(folder / "c01_domande_target.csv", infer_schema=False)
    assert frame.filter(pl.col("stato") == "c")["n"].null_count() == (frame["stato"] == "c").sum() > 0
    assert (frame["n"] == "0").sum() > 0


def test_a_threshold_can_only_be_raised() -> None:
    with pytest.raises(IassError, match="only be raised"):
        tables.load().with_threshold(2)
    assert {table.threshold for table in tables.load().with_threshold(10).tables} == {10}
