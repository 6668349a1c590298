"""The days that a contract lets a field name are the days that the warehouse knows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import yaml
from rule_cases import context, put, right

from orchestration.intake.check import check, prepare
from orchestration.intake.contract import EXPECTATIONS_DIR, Contract, Field, Table, flow_codes, load_contract

PROJECT = EXPECTATIONS_DIR.parent / "dbt_project"


def _dates() -> Iterator[tuple[Contract, Table, Field]]:
    for flow in flow_codes():
        contract = load_contract(flow)
        for table in contract.tables:
            for field in table.file_fields:
                if field.dtype == "date":
                    yield contract, table, field


DATES = [pytest.param(*each, id=f"{each[0].flow_code} {each[1].name}.{each[2].name}") for each in _dates()]


def _days_of_the_warehouse() -> tuple[date, date]:
    days = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    model = (PROJECT / "models/core/dim_date.sql").read_text(encoding="utf-8")
    assert '{{ var("first_day") }}' in model and '{{ var("last_day") }}' in model
    return date.fromisoformat(days["first_day"]), date.fromisoformat(days["last_day"])


@pytest.mark.parametrize(("contract", "table", "field"), DATES)
def test_every_date_has_a_range_that_the_warehouse_knows(contract: Contract, table: Table, field: Field) -> None:
    first, last = _days_of_the_warehouse()
    assert field.minimum and field.maximum and field.minimum < field.maximum
    if field.is_in_raw:
        assert first <= field.minimum and field.maximum <= last


def test_the_warehouse_knows_no_other_days() -> None:
    fields = [field for _, _, field in _dates() if field.is_in_raw]
    assert _days_of_the_warehouse() == (
        min(f.minimum for f in fields if f.minimum),
        max(f.maximum for f in fields if f.maximum),
    )


@pytest.mark.parametrize(("contract", "table", "field"), DATES)
def test_a_day_beyond_the_range_discards_its_record(contract: Contract, table: Table, field: Field) -> None:
    assert field.minimum and field.maximum
    seen = context(contract.flow_code)
    for day, is_outside in (
        (field.minimum, False),
        (field.maximum, False),
        (field.minimum - timedelta(1), True),
        (field.maximum + timedelta(1), True),
        (date(1, 1, 1), True),
        (date(9999, 12, 30), True),
    ):
        frames = put(table.name, **{field.name: day.isoformat()})(right(contract.flow_code))
        found = check(contract, prepare(contract, frames, seen), seen)
        of_range = [r.code for r in contract.rules if "_is_plausible" in r.expression and r.table == table.name]
        hits = {(code, name) for code, name in found.select("rule_code", "field").rows() if code in of_range}
        assert bool(hits) == is_outside, day
        assert {name for _, name in hits} <= {field.name}


@pytest.mark.parametrize(("contract", "table", "field"), DATES)
def test_the_year_nought_is_no_date(contract: Contract, table: Table, field: Field) -> None:
    frames = put(table.name, **{field.name: "0000-01-01"})(right(contract.flow_code))
    assert prepare(contract, frames, context(contract.flow_code))[table.name][field.name][0] is None


def test_an_end_that_others_write_for_none_is_none() -> None:
    contract, seen = load_contract("SMAC"), context("SMAC")
    frames = put("contract", 1, end_on="9999-12-31")(right("SMAC"))
    assert check(contract, prepare(contract, frames, seen), seen).rows() == []
