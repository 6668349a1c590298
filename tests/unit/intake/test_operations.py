"""Insert, variation and cancellation against the simplest thing that could be right: a dictionary, record by record."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.intake import operations

RECORDS = st.lists(
    st.tuples(st.sampled_from([*"abcdef", None]), st.sampled_from(["I", "V", "C", "X", None]), st.booleans()),
    max_size=40,
)
KEYS = st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.booleans(), st.booleans()))


def _oracle(records, keys):
    live = {key: is_live for key, (is_live, _) in keys.items()}
    mine = {key for key, (_, is_mine) in keys.items() if is_mine}
    findings, changed = [], {}
    for number, (key, operation, is_discarded) in enumerate(records, 1):
        if key is None or operation not in ("I", "V", "C"):
            continue
        if live.get(key, False) == (operation == "I"):
            usual = "insert_live_key" if operation == "I" else "change_missing_key"
            findings.append((number, "duplicated_key_in_file" if key in mine else usual))
        elif not is_discarded:
            live[key] = operation != "C"
            mine.add(key)
            changed[key] = (live[key], number)
    return findings, changed


@settings(max_examples=300, deadline=None)
@given(RECORDS, KEYS)
def test_operations_act_like_one_record_after_the_other(records, keys):
    frame = pl.DataFrame(
        {
            "record_number": range(1, len(records) + 1),
            "record_key": [r[0] for r in records],
            "operation": [r[1] for r in records],
            "is_discarded": [r[2] for r in records],
        },
        schema={
            "record_number": pl.Int64,
            "record_key": pl.String,
            "operation": pl.String,
            "is_discarded": pl.Boolean,
        },
    )
    so_far = pl.DataFrame(
        [(key, *state) for key, state in keys.items()],
        schema={"record_key": pl.String, "is_live": pl.Boolean, "is_of_this_file": pl.Boolean},
        orient="row",
    )
    judgement = operations.judge(frame, so_far)
    findings, changed = _oracle(records, keys)
    assert judgement.findings.rows() == findings
    assert {row[0]: row[1:] for row in judgement.states.rows()} == changed
