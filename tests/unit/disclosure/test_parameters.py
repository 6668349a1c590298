"""What a release says about itself is what was done."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from orchestration.disclosure import files, tables
from orchestration.errors import IassError


def test_the_parameters_of_a_release_hold_the_thresholds_in_force(tmp_path: Path) -> None:
    """Regression: a raised threshold stood in the manifest only, and the file beside it went on saying three."""
    plan = tables.load().with_threshold(6)
    written = tmp_path / "parametri.yaml"
    written.write_bytes(tables.in_force(plan))
    assert tables.load(written) == plan
    assert tables.in_force(plan) != tables.in_force(tables.load())


def test_a_threshold_is_never_lowered() -> None:
    with pytest.raises(IassError, match="only be raised"):
        tables.load().with_threshold(2)


def test_the_threshold_of_one_table_is_raised_alone() -> None:
    plan, raised = tables.load(), tables.load().with_threshold(5).with_threshold(9, "t06_persone_target")
    assert {each.code for each in raised.tables if each.threshold == 9} == {"t06_persone_target"}
    assert {each.threshold for each in raised.tables if each.code != "t06_persone_target"} == {5}
    assert [each.code for each in raised.tables] == [each.code for each in plan.tables]
    with pytest.raises(IassError, match="5 is the lowest of t07_persone_genere_eta"):
        plan.with_threshold(4, "t07_persone_genere_eta")
    with pytest.raises(IassError, match=r"no table 't99'.*choose from t01_contatti"):
        plan.with_threshold(4, "t99")


def test_the_description_of_a_table_tells_its_threshold() -> None:
    """Regression: every description said `{table.threshold}`."""
    plan = tables.load().with_threshold(4)
    for table in plan.tables:
        described = files._resource(table, plan, pl.DataFrame({"n": [1]}))["description"]
        assert described.endswith(f"Soglia: {table.threshold} persone."), described
        assert "{" not in described
