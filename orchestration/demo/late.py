"""Variations of contacts of long ago: a district corrects in a later month what it sent up to a year before.

Belongs here: which contact is varied, and the record that says so. Does not: rates (faults.py), files and their truth
(desks.py), variations within the correction window (records.py).
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from orchestration.demo import faults
from orchestration.demo.records import MonthRecords

RECORD = ["file_key", "record_number"]
MONTHS = 12


@dataclass
class Past:
    """A month as it was sent: its records, and the next progressive of each sender that has one free."""

    month: date
    records: MonthRecords
    next_number: dict[str, int]


class LateVariations:
    """Remembers the months of a year and varies a contact of theirs now and then, each once."""

    def __init__(self, rng: np.random.Generator) -> None:
        """Nothing sent yet."""
        self.rng = rng
        self.past: list[Past] = []
        self.varied: list[str] = []

    def remember(self, month: date, records: MonthRecords, next_number: dict[str, int]) -> None:
        """A month that was sent."""
        self.past = [*self.past, Past(month, records, next_number)][-MONTHS:]

    def next(self) -> list[tuple[Past, MonthRecords]]:
        """What some districts vary now, each one contact of a month before the last one."""
        made = []
        earlier = self.past[:-1]
        senders = sorted({sender for past in earlier for sender in past.next_number})
        for sender in senders:
            if self.rng.random() < faults.LATE_VARIED_SHARE:
                past = earlier[int(self.rng.integers(len(earlier)))]
                record = self._choose(past, sender)
                if record is not None:
                    made.append((past, self._vary(past, record)))
        return made

    def _choose(self, past: Past, sender: str) -> pl.DataFrame | None:
        """A contact that was told once and rightly, whose first demand has an immediate answer and nothing else."""
        if sender not in past.next_number:
            return None
        of_first = past.records.outcomes.filter(pl.col("demand_number") == 1)
        alone = of_first.filter((pl.len().over(RECORD) == 1) & (pl.col("type") == "1")).select(RECORD)
        able = past.records.contacts.filter(
            (pl.col("sender_code") == sender)
            & (pl.col("kind") == "base")
            & (pl.col("operation") == "I")
            & (pl.col("fault") == "")
            & pl.col("is_accepted")
            & ~pl.col("is_repeated")
            & ~pl.col("key").is_duplicated()
            & ~pl.col("key").is_in(self.varied)
        ).join(alone, on=RECORD, how="semi", maintain_order="left")
        return able[int(self.rng.integers(able.height))] if able.height else None

    def _vary(self, past: Past, record: pl.DataFrame) -> MonthRecords:
        """The same record once more, as a variation by which the answer became a procedure of the social service."""
        sender, key = record["sender_code"].item(), record["key"].item()
        number = past.next_number[sender]
        past.next_number[sender] += 1
        self.varied.append(key)
        place = (pl.lit(f"{sender}/{number}").alias("file_key"), pl.lit(1, pl.Int64).alias("record_number"))

        def again(frame: pl.DataFrame) -> pl.DataFrame:
            return frame.join(record.select(RECORD), on=RECORD, how="semi", maintain_order="left").with_columns(place)

        first = (pl.col("demand_number") == 1) & (pl.col("outcome_number") == 1)
        return MonthRecords(
            record.with_columns(
                *place,
                pl.lit("V").alias("operation"),
                pl.lit("late").alias("fault"),
                pl.lit(number, pl.Int64).alias("progressive"),
            ),
            again(past.records.demands),
            again(past.records.outcomes).with_columns(pl.when(first).then(pl.lit("3")).otherwise("type").alias("type")),
            again(past.records.findings),
        )
