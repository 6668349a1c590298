"""What a snapshot changes: a wrong comparison closes people who are there, or keeps people who have gone."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.intake.registry_state import (
    StateCache,
    empty_state,
    row_hashes,
    same_state,
    to_check,
    transition,
    unchanged,
)

COLUMNS = ["id_assistito", "comune_residenza"]


def rows_of(*people: tuple[str | None, str | None]) -> pl.DataFrame:
    text = pl.DataFrame(people, schema=dict.fromkeys(COLUMNS, pl.String), orient="row")
    return text.select(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("record_number"),
        pl.col("id_assistito").alias("registry_id"),
    ).with_columns(row_hashes(text, COLUMNS))


def numbers(*values: int) -> pl.Series:
    return pl.Series(values, dtype=pl.Int64)


def step(
    state: pl.DataFrame, *people: tuple[str | None, str | None], discarded: tuple[int, ...] = ()
) -> tuple[dict[str, str], pl.DataFrame]:
    rows = rows_of(*people)
    result = transition(state, rows, unchanged(state, rows), numbers(*discarded), numbers())
    return dict(result.changes.select("registry_id", "change_type").rows()), result.state


def test_first_snapshot_opens_everyone() -> None:
    changes, state = step(empty_state(), ("a", "1"), ("b", "1"))
    assert changes == {"a": "open", "b": "open"}
    assert state.height == 2


def test_only_what_differs_is_a_change_and_the_missing_are_closed() -> None:
    _, state = step(empty_state(), ("a", "1"), ("b", "1"), ("c", "1"))
    changes, state = step(state, ("c", "1"), ("b", "2"), ("d", "1"))
    assert changes == {"a": "close", "b": "change", "d": "open"}
    changes, state = step(state, ("c", "1"), ("b", "2"), ("d", "1"))
    assert changes == {}


def test_who_comes_back_reopens_even_with_the_same_data() -> None:
    _, state = step(empty_state(), ("a", "1"))
    _, state = step(state)
    changes, state = step(state, ("a", "1"))
    assert changes == {"a": "reopen"}
    assert step(state, ("a", "1"))[0] == {}


def test_a_discarded_row_leaves_the_person_as_she_was() -> None:
    _, state = step(empty_state(), ("a", "1"), ("b", "1"))
    changes, state = step(state, ("a", "broken"), ("b", "1"), ("new", "broken"), discarded=(1, 3))
    assert changes == {}
    assert step(state, ("a", "1"), ("b", "1"))[0] == {}
    assert step(state, ("a", "2"), ("b", "1"))[0] == {"a": "change"}


def test_a_discarded_row_does_not_reopen() -> None:
    _, state = step(empty_state(), ("a", "1"))
    _, state = step(state)
    changes, state = step(state, ("a", "broken"), discarded=(1,))
    assert changes == {}
    assert step(state, ("a", "1"))[0] == {"a": "reopen"}


def test_of_two_rows_with_one_id_the_discarded_second_does_not_count() -> None:
    changes, _ = step(empty_state(), ("a", "1"), ("a", "1"), ("a", "2"), discarded=(2, 3))
    assert changes == {"a": "open"}


def test_rows_without_an_id_are_nobody() -> None:
    _, state = step(empty_state(), (None, "1"), ("a", "1"), discarded=(1,))
    changes, _ = step(state, (None, "1"), (None, "2"), ("a", "1"), discarded=(1, 2))
    assert changes == {}


def test_unchanged_rows_are_checked_again_only_if_they_were_flagged() -> None:
    rows = rows_of(("a", "1"), ("b", "1"))
    state = transition(empty_state(), rows, unchanged(empty_state(), rows), numbers(), numbers(2)).state
    again = rows_of(("a", "1"), ("b", "1"), ("c", "1"))
    assert to_check(state, again, unchanged(state, again)).to_list() == [False, True, True]


def test_missing_and_moved_values_have_other_hashes() -> None:
    text = pl.DataFrame({"a": ["x", None, "xy", "x"], "b": [None, "x", None, "y"]})
    assert row_hashes(text, ["a", "b"]).n_unique() == 4


people = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("123"))
snapshots = st.lists(st.tuples(people, st.sets(st.sampled_from("abcdef"))), min_size=1, max_size=6)


@settings(deadline=None)
@given(snapshots)
def test_changes_replay_to_the_state(sequence: list[tuple[dict[str, str], set[str]]]) -> None:
    """Against the plain reading of the specification, person by person."""
    state, known = empty_state(), dict[str, str | None]()
    for content, broken in sequence:
        expected = {}
        for person in known.keys() | content.keys():
            if person in content and person in broken:
                continue
            before = known.get(person)
            after = content.get(person)
            if after is not None and after != before:
                expected[person] = "change" if before is not None else "reopen" if person in known else "open"
                known[person] = after
            elif after is None and before is not None:
                expected[person] = "close"
                known[person] = None
        rows = list(content.items())
        discarded = tuple(n for n, (person, _) in enumerate(rows, 1) if person in broken)
        changes, state = step(state, *rows, discarded=discarded)
        assert changes == expected
        assert set(state["registry_id"]) == set(known)


def test_cache_gives_back_only_what_matches(tmp_path: Path) -> None:
    _, state = step(empty_state(), ("a", "1"))
    cache = StateCache(tmp_path / "naar", "1.0.0", COLUMNS)
    cache.put("2013-01-31", ["aa"], state)
    found = cache.get("2013-01-31", ["aa"])
    assert found is not None
    assert same_state(found, state)
    assert cache.get("2013-01-31", ["late", "aa"]) is None, "an earlier snapshot arrived: the state may differ"
    assert StateCache(tmp_path / "naar", "1.1.0", COLUMNS).get("2013-01-31", ["aa"]) is None
    for entry in (tmp_path / "naar").glob("*.arrow"):
        entry.write_bytes(b"torn")
    assert cache.get("2013-01-31", ["aa"]) is None


def test_cache_keeps_the_last_two_days(tmp_path: Path) -> None:
    cache = StateCache(tmp_path, "1.0.0", COLUMNS)
    for day in ("2013-01-31", "2013-02-28", "2013-03-31"):
        cache.put(day, [day], empty_state())
    assert cache.get("2013-01-31", ["2013-01-31"]) is None
    assert cache.get("2013-02-28", ["2013-02-28"]) is not None
    assert cache.get("2013-03-31", ["2013-03-31"]) is not None


@pytest.mark.parametrize("other", [("a", "2"), ("b", "1")])
def test_states_differ_when_a_person_or_her_data_differ(other: tuple[str, str]) -> None:
    _, one = step(empty_state(), ("a", "1"))
    _, two = step(empty_state(), other)
    assert not same_state(one, two)
