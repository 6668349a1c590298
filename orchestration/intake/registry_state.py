"""The state of the regional registry at one day, and what changes from one state to the next.

Belongs here: pure functions on columns (hash of a row, comparison of a snapshot with the state before it) and the
Arrow file that keeps a state between two runs. Does not belong here: rules, the database, the order of snapshots
(`registry.py`).

A snapshot has 4.45 million rows and about one per cent of them differ from the month before, so the comparison works on
one 64-bit hash per row: a row whose hash is in the previous state is unchanged, and only the rest is looked at by id.
The hash covers the regional id, so an equal hash is the same person with the same data.

State frame, one row per person ever accepted:
`registry_id` · `row_hash` (of the row as last accepted; null = the person is closed) · `has_finding` (her row was
flagged, so it is checked again although nothing changed: a receipt lists every finding of its own file).
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

STATE_SCHEMA = {"registry_id": pl.String, "row_hash": pl.UInt64, "has_finding": pl.Boolean}
HASH_SEED = 0x1A55
KEPT_STATES = 2


@dataclass(frozen=True)
class Transition:
    """What a snapshot does to the state before it.

    `changes`: registry_id · change_type (open, change, close, reopen) · record_number (null for close).
    """

    changes: pl.DataFrame
    state: pl.DataFrame


def empty_state() -> pl.DataFrame:
    return pl.DataFrame(schema=STATE_SCHEMA)


def row_hashes(text: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """One 64-bit hash per row over all columns, in the order given, as received (missing and empty are the same)."""
    return text.select(columns).hash_rows(HASH_SEED).alias("row_hash")


def unchanged(state: pl.DataFrame, rows: pl.DataFrame) -> pl.Series:
    """For each row of a snapshot: is the person as she was in the state before it?"""
    return rows["row_hash"].is_in(state["row_hash"].drop_nulls().implode())


def to_check(state: pl.DataFrame, rows: pl.DataFrame, is_unchanged: pl.Series) -> pl.Series:
    """For each row of the snapshot: must it go through the rules? New, changed, or flagged the last time."""
    return ~is_unchanged | rows["row_hash"].is_in(state.filter("has_finding")["row_hash"].implode())


def transition(
    state: pl.DataFrame, rows: pl.DataFrame, is_unchanged: pl.Series, discarded: pl.Series, flagged: pl.Series
) -> Transition:
    """Compare a snapshot with the state before it.

    `rows`: record_number · registry_id · row_hash, one row per record of the file, in any order; `is_unchanged`: what
    `unchanged` says of them (asked once: in a scale-1 registry it is four million hashes); `discarded` and
    `flagged`: record numbers. The id of a row that is not discarded is present and unique. A person whose row is
    discarded stays as she was; a person who is not in the file is closed.
    """
    is_discarded = pl.col("record_number").is_in(discarded.implode())
    accepted = rows.filter(~is_discarded)
    held_ids = rows.filter(is_discarded & pl.col("registry_id").is_not_null())["registry_id"]

    changed = rows.filter(~is_unchanged, ~is_discarded)
    # a null hash (closed) is no one's
    leaving = state.filter(~pl.col("row_hash").is_in(accepted["row_hash"].implode()).fill_null(False))
    pairs = changed.select("registry_id", "record_number").join(
        leaving.with_columns(was_known=pl.lit(True)), on="registry_id", how="full", coalesce=True
    )
    is_open_before = pl.col("row_hash").is_not_null()
    is_in_file = pl.col("record_number").is_not_null()
    is_held = pl.col("registry_id").is_in(held_ids.implode())
    changes = pairs.with_columns(
        change_type=pl.when(is_in_file & pl.col("was_known").is_null())
        .then(pl.lit("open"))
        .when(is_in_file & is_open_before)
        .then(pl.lit("change"))
        .when(is_in_file)
        .then(pl.lit("reopen"))
        .when(is_open_before & ~is_held)
        .then(pl.lit("close"))
    )
    stays = changes.filter(pl.col("change_type").is_null() | (pl.col("change_type") == "close")).select(
        "registry_id",
        row_hash=pl.when(pl.col("change_type").is_null()).then("row_hash"),
        has_finding=pl.col("change_type").is_null() & pl.col("has_finding"),
    )
    present = accepted.select("registry_id", "row_hash", has_finding=pl.col("record_number").is_in(flagged.implode()))
    return Transition(
        changes.filter(pl.col("change_type").is_not_null()).select("registry_id", "change_type", "record_number"),
        pl.concat([present, stays]),
    )


def same_state(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    """Do both states lead to the same future? The finding flag only decides what is checked, so it does not count."""
    if one.height != other.height:
        return False
    return one.join(other, on=["registry_id", "row_hash"], how="anti", nulls_equal=True).is_empty()


class StateCache:
    """States on disk, only to be fast: a state that is missing or stale is rebuilt from the archive and the history.

    The file name carries a fingerprint of all a state depends on: the hash function (Polars promises nothing between
    versions, and it may use what the processor has, so a probe is hashed too), the contract, and the content of every
    snapshot up to the day. What does not match is simply not found.
    """

    def __init__(self, folder: Path, contract_hash: str, columns: Sequence[str]) -> None:
        self.folder = folder
        probe = row_hashes(pl.DataFrame({"a": ["Perché no?", None], "b": ["", "x"]}), ["a", "b"])
        self.base = f"{pl.__version__}|{probe.to_list()}|{contract_hash}|{list(columns)}"

    def _path(self, day: str, lineage: Sequence[str]) -> Path:
        """`lineage`: SHA-256 of each snapshot in force up to and including the day, in the order of their days."""
        fingerprint = hashlib.sha256("|".join([self.base, *lineage]).encode()).hexdigest()[:16]
        return self.folder / f"{day}.{fingerprint}.arrow"

    def get(self, day: str, lineage: Sequence[str]) -> pl.DataFrame | None:
        path = self._path(day, lineage)
        try:
            state = pl.read_ipc(path)
        except (FileNotFoundError, OSError, pl.exceptions.PolarsError):
            return None
        return state if dict(state.schema) == STATE_SCHEMA else None

    def put(self, day: str, lineage: Sequence[str], state: pl.DataFrame) -> None:
        """Write whole or not at all, and keep the two latest days. Without room for it the next run is slower."""
        path = self._path(day, lineage)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            partial.touch(mode=0o600)  # registry ids stand in it
            state.write_ipc(partial)
            partial.replace(path)
        except (OSError, pl.exceptions.PolarsError):
            return
        finally:
            partial.unlink(missing_ok=True)
        days = sorted({entry.name.split(".")[0] for entry in self.folder.glob("*.arrow")}, reverse=True)
        for entry in self.folder.glob("*.arrow"):
            other_day = entry.name.split(".")[0]
            if entry != path and (other_day == day or other_day not in days[:KEPT_STATES]):
                entry.unlink(missing_ok=True)
