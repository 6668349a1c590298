"""Whatever a sender writes, rules answer: no exception, only known codes, only real places."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_cases import context, right

from orchestration.intake.check import check, prepare
from orchestration.intake.contract import flow_codes, load_contract

LIKELY = st.sampled_from(
    [
        *("0", "1", "5", "6", "98", "99", "01", "100", "999999", "037006", "A944", "DOM.02", "=1", "037006-01"),
        *("2013-03-04", "2013-02-30", "9999-12-31", "0001-01-01", "-1", "+1", "٣", "17.00", "1e3", "S"),
        *("VRDLSN35L52A944A", "vrdlsn35l5na944z", "12345678903"),
    ]
)
TEXT = st.none() | LIKELY | st.text(max_size=40)


@pytest.mark.parametrize("flow", flow_codes())
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_text_can_be_judged(flow: str, data: st.DataObject) -> None:
    contract = load_contract(flow)
    frames = right(flow)
    for table in contract.tables:
        frame = frames[table.name]
        drawn = {
            f.name: data.draw(st.lists(TEXT, min_size=frame.height, max_size=frame.height)) for f in table.file_fields
        }
        as_read = [pl.Series(name, [v or None for v in values], dtype=pl.String) for name, values in drawn.items()]
        frames[table.name] = frame.with_columns(as_read)
    prepared = prepare(contract, frames, context(flow))
    findings = check(contract, prepared, context(flow))
    assert set(findings["rule_code"]) <= {r.code for r in contract.rules}
    assert findings["record_number"].null_count() == 0
    for table in contract.tables:
        assert prepared[table.name].height == frames[table.name].height


def test_rows_keep_their_order_and_columns_their_types() -> None:
    prepared = prepare(load_contract("IASS"), right("IASS"), context("IASS"))
    assert prepared["contact"]["contact_on"].to_list() == [date(2013, 3, 4)]
    assert prepared["demand"].schema["demand_number"] == pl.Int16
    assert prepared["demand"].schema["birth_year"] == pl.Int16
    assert prepared["demand"].schema["age_years"] == pl.Int16
    assert prepared["outcome"].select("demand_index", "outcome_number").rows() == [(1, 1), (1, 2), (2, 1)]
