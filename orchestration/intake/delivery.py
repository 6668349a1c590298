"""What one delivery is, from the moment its bytes are archived until its receipt is written.

Only data and the gate's one exception belong here; how a delivery is read, checked or loaded does not.
The gate fills a `Delivery`, a flow's loader returns a `LoadOutcome`, callers of the gate get a `DeliveryResult`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import polars as pl

#: One row per finding. Values never stand here: place and rule only (`landing.finding` without the delivery).
FINDING_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "record_number": pl.Int64,
    "record_key": pl.String,
    "table_name": pl.String,
    "item": pl.String,
    "field": pl.String,
    "rule_code": pl.String,
    "grade": pl.String,
}


@dataclass(frozen=True)
class FileFinding:
    """One `FILE` finding by its condition (`empty_file`, `progressive_gap`, …); the contract knows the rule."""

    condition: str
    field: str | None = None
    record_number: int | None = None


class FileRefused(Exception):
    """The delivery as a whole is refused, for one or more conditions. Nothing of it may stay in the database."""

    def __init__(self, *conditions: str | FileFinding, record_number: int | None = None) -> None:
        self.findings: tuple[FileFinding, ...] = tuple(
            c if isinstance(c, FileFinding) else FileFinding(c, record_number=record_number) for c in conditions
        )
        super().__init__(", ".join(f.condition for f in self.findings))


@dataclass(frozen=True)
class Delivery:
    """A delivery whose bytes are in the archive and whose name has been understood."""

    delivery_id: int
    file_name: str
    flow_code: str
    sender_code: str
    period_code: str
    period_start_on: date
    period_end_on: date
    progressive: int
    sha256: str
    size_bytes: int
    received_at: datetime
    path: Path  # the archived bytes, as received: maybe compressed (read through `archive.open_member`)


@dataclass(frozen=True)
class LoadOutcome:
    """What a flow's loader did inside the gate's transaction. Counts reconcile: sent = accepted + discarded."""

    records_sent: int
    records_accepted: int
    records_discarded: int
    records_flagged: int
    findings: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FINDING_SCHEMA))
    #: work that may only follow the commit, e.g. putting a new cache file in place; losing it does no harm
    after_commit: Sequence[Callable[[], object]] = ()

    @property
    def is_nothing(self) -> bool:
        """Every record was discarded: the delivery counts as if it had not come, but for what its sender is told."""
        return self.records_sent > 0 and self.records_accepted == 0

    def __post_init__(self) -> None:
        if self.records_sent != self.records_accepted + self.records_discarded:
            raise AssertionError("a loader's counts do not reconcile: sent must be accepted + discarded")


@dataclass(frozen=True)
class DeliveryResult:
    """What became of one file, as the caller of the gate sees it."""

    delivery_id: int
    file_name: str
    flow_code: str | None
    sender_code: str | None
    period_code: str | None
    outcome: str  # accepted | nothing_loaded | refused | repeated
    records_sent: int
    records_accepted: int
    records_discarded: int
    records_flagged: int
    seconds: float
    receipt_dir: Path
    repeated_outcome: str | None = None  # of a repeat: what became of the delivery that it repeats
    left_because: str | None = None  # why the file still lies in the landing folder

    @property
    def is_turned_away(self) -> bool:
        """Nothing of it is in the warehouse, neither now nor, of a repeat, from the first time."""
        return (self.repeated_outcome or self.outcome) in ("refused", "nothing_loaded")
