"""A sheaf: deliveries of one flow and period, each of another sender, whose records stand in one set of columns.

A file of a few records costs its steps, not its records: some dozens of them, taken in together, cost what one does.
Here is how the records of several files share a frame and are told apart again. Which files go together is decided in
`gate`, what is done with them in `records`; a large file is a sheaf of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from orchestration.intake.delivery import Delivery
from orchestration.intake.read_xml import Batch

#: In a frame of several files a record's number is the place of its file times this, plus its number in the file.
RECORDS_PER_FILE = 1_000_000
_NUMBER = pl.col("record_number")


@dataclass(frozen=True)
class Sheaf:
    """Deliveries in the order of their ids."""

    deliveries: tuple[Delivery, ...]

    @property
    def first(self) -> Delivery:
        """For what is the same in all: flow and period."""
        return self.deliveries[0]

    @property
    def is_single(self) -> bool:
        return len(self.deliveries) == 1

    @property
    def senders(self) -> list[str]:
        return [delivery.sender_code for delivery in self.deliveries]

    def sender(self) -> pl.Expr:
        """The sender of each record of a frame with `record_number`."""
        return self._of_delivery(pl.Series(self.senders, dtype=pl.String)).alias("sender_code")

    def delivery_id(self) -> pl.Expr:
        """The delivery of each record."""
        ids = [delivery.delivery_id for delivery in self.deliveries]
        return self._of_delivery(pl.Series(ids, dtype=pl.Int64)).alias("delivery_id")

    def number_in_file(self) -> pl.Expr:
        """The number of each record as its sender counts."""
        return _NUMBER if self.is_single else _NUMBER % RECORDS_PER_FILE

    def counts(self, records: pl.DataFrame) -> list[int]:
        """How many of some records, one row each, are of each delivery."""
        if self.is_single:
            return [records.height]
        places = records["record_number"].to_numpy() // RECORDS_PER_FILE
        counted: list[int] = np.bincount(places, minlength=len(self.deliveries)).tolist()
        return counted

    def parts(self, records: pl.DataFrame) -> list[tuple[Delivery, pl.DataFrame]]:
        """Each delivery that has some of the records, with them; their number is then that in the file."""
        if self.is_single or records.is_empty():
            return [(self.first, records)] if records.height else []
        place = _NUMBER // RECORDS_PER_FILE
        told_apart = records.with_columns(_place=place).partition_by("_place", as_dict=True, include_key=False)
        return [
            (self.deliveries[int(key[0])], part.with_columns(self.number_in_file()))
            for key, part in sorted(told_apart.items(), key=lambda item: item[0])
        ]

    def _of_delivery(self, values: pl.Series) -> pl.Expr:
        return pl.lit(values[0], values.dtype) if self.is_single else pl.lit(values).gather(_NUMBER // RECORDS_PER_FILE)


def of_batches(batches: Sequence[Batch]) -> Batch:
    """Batches, one for each delivery of a sheaf, as one."""
    if len(batches) == 1:
        return batches[0]
    shifted = [
        {name: frame.with_columns(_NUMBER + place * RECORDS_PER_FILE) for name, frame in batch.frames.items()}
        for place, batch in enumerate(batches)
    ]
    return Batch(
        {name: pl.concat([frames[name] for frames in shifted]) for name in shifted[0]},
        [
            replace(issue, record_number=issue.record_number + place * RECORDS_PER_FILE)
            for place, batch in enumerate(batches)
            for issue in batch.issues
        ],
        sum(batch.n_records for batch in batches),
    )


def of_stretches(batch: Batch, n_records: list[int]) -> Batch:
    """A batch whose records are numbered through, so many of each delivery, with the numbers of a sheaf."""
    if len(n_records) == 1:
        return batch
    numbers = np.concatenate([np.arange(1, n + 1) + place * RECORDS_PER_FILE for place, n in enumerate(n_records)])
    told = pl.lit(pl.Series(numbers)).gather(_NUMBER - 1).alias("record_number")
    return Batch(
        {name: frame.with_columns(told) for name, frame in batch.frames.items()},
        [replace(issue, record_number=int(numbers[issue.record_number - 1])) for issue in batch.issues],
        batch.n_records,
    )
