"""The files of registry, nomenclatures and social desks, and the truth about them.

Belongs here: NAAR, NOML and IASS deliveries with those that go wrong as a whole. Does not: what stands in them
(population.py, nomenclature.py, records.py), what all flows share of deliveries (deliveries.py).
"""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from orchestration.demo import faults, write
from orchestration.demo.deliveries import Deliveries, previous_period
from orchestration.demo.late import LateVariations
from orchestration.demo.nomenclature import COLUMNS, LocalNomenclature, add_months
from orchestration.demo.population import Registry
from orchestration.demo.records import MonthRecords

REGION = "080"


@dataclass
class Desks:
    """Writes files and keeps the truth about contacts and demands."""

    deliveries: Deliveries
    late: LateVariations
    contacts: list[pl.DataFrame] = field(default_factory=list)
    demands: list[pl.DataFrame] = field(default_factory=list)

    @property
    def rng(self) -> np.random.Generator:
        """The numbers of deliveries."""
        return self.deliveries.rng

    def nomenclatures(self, files: list[LocalNomenclature]) -> None:
        """All NOML files; each arrives some days before it is valid."""
        for item in files:
            name = f"NOML_{item.district}_{item.valid_from.isoformat()}_001.csv"
            path = self.deliveries.put_csv(item.district, name, item.frame.select(COLUMNS))
            bad = item.frame.with_row_index("record_number", 1).filter("is_bad")
            self.deliveries.add(
                path,
                "NOML",
                item.district,
                item.valid_from.isoformat(),
                1,
                write.day_after(item.valid_from, -10),
                "accepted",
                sent=item.frame.height,
                discarded=bad.height,
                flagged=0,
            )
            if bad.height:
                self.deliveries.findings.append(
                    bad.select(
                        pl.lit(name).alias("file_name"),
                        pl.col("record_number").cast(pl.Int64),
                        pl.col("codice_locale").alias("record_key"),
                        pl.lit(None, dtype=pl.String).alias("item"),
                        pl.lit(faults.BAD_NOMENCLATURE_RULE).alias("rule_code"),
                        pl.lit("SCARTO").alias("grade"),
                    )
                )

    def snapshot(self, registry: Registry, day: date, *, is_late: bool) -> None:
        """The NAAR file of a day; a late one arrives after the next month's."""
        frame = registry.snapshot(day)
        path = self.deliveries.put_csv(REGION, f"NAAR_{REGION}_{day.isoformat()}_001.csv", frame)
        arrives = write.day_after(day, 40 if is_late else 3)
        counts = {"sent": frame.height, "discarded": 0, "flagged": 0}
        self.deliveries.add(path, "NAAR", REGION, day.isoformat(), 1, arrives, "accepted", **counts)

    def month(self, records: MonthRecords, month: date) -> None:
        """The IASS files of a month, with the deliveries that go wrong as a whole."""
        period, due = f"{month:%Y-%m}", add_months(month, 1)
        previous = previous_period(period)
        texts = write.iass_files(records.contacts, records.demands, records.outcomes)
        counts = self._counts(records)
        names: dict[str, str] = {}
        last: dict[str, tuple[int, date, str]] = {}
        for file_key in sorted(texts):
            sender, progressive = file_key.split("/")
            number = int(progressive)
            if number == 1:
                late = self.rng.random() < faults.LATE_SHARE
                arrives = due.replace(day=int(self.rng.integers(16, 20)) if late else int(self.rng.integers(4, 15)))
            else:
                arrives = due.replace(day=int(self.rng.integers(21, 27)))
            path = self._iass(sender, period, number, arrives, texts[file_key], period)
            names[file_key] = path.name
            self.deliveries.add(path, "IASS", sender, period, number, arrives, "accepted", **counts[file_key])
            last[sender] = (number, arrives, texts[file_key])
            self.deliveries.perhaps_again(path, "IASS", sender, period, number, arrives, counts[file_key])
        free = {sender: number + 1 for sender, (number, _, _) in last.items()}
        for sender, (number, arrives, text) in last.items():
            if self.rng.random() < faults.WRONG_PERIOD_SHARE:
                # It takes the next free progressive and comes last, so that the period is all that is wrong with it.
                one = text.split("\n")[0]
                day = write.day_after(arrives, 2)
                path = self._iass(sender, period, number + 1, day, one, previous)
                self.deliveries.misdirect(path, "IASS", sender, period, number + 1, day)
                del free[sender]  # two files of one name cannot lie in one folder
        self._remember(records, names, month)
        self.late.remember(month, records, free)
        for past, varied in self.late.next():
            self._late(past.month, varied, due.replace(day=28))

    def _late(self, month: date, varied: MonthRecords, arrives: date) -> None:
        """The file of a variation that comes long after, and what is true from then on."""
        [(file_key, text)] = write.iass_files(varied.contacts, varied.demands, varied.outcomes).items()
        sender, number = file_key.split("/")
        period = f"{month:%Y-%m}"
        path = self._iass(sender, period, int(number), arrives, text, period)
        self.deliveries.add(
            path, "IASS", sender, period, int(number), arrives, "accepted", **self._counts(varied)[file_key]
        )
        was_live = pl.col("is_live") & ~pl.col("record_key").is_in(varied.contacts["key"].implode())
        self.contacts = [
            table.with_columns(was_live.alias("is_live"), (pl.col("is_counted") & was_live).alias("is_counted"))
            for table in self.contacts
        ]
        self.demands = [table.with_columns(was_live.alias("is_live")) for table in self.demands]
        self._remember(varied, {file_key: path.name}, month)

    def _iass(self, sender: str, period: str, number: int, arrives: date, text: str, inside: str) -> Path:
        name = f"IASS_{sender}_{period}_{number:03d}.xml"
        content = write.iass_document(sender, inside, number, write.day_after(arrives, -1), text)
        return self.deliveries.put(sender, name, content)

    @staticmethod
    def _counts(records: MonthRecords) -> dict[str, dict[str, int]]:
        flagged = records.findings.filter(pl.col("grade") == "ANOMALIA").select("file_key", "record_number").unique()
        frame = records.contacts.join(
            flagged.with_columns(pl.lit(True).alias("is_flagged")), on=["file_key", "record_number"], how="left"
        )
        rows = frame.group_by("file_key").agg(
            pl.len().alias("sent"),
            (~pl.col("is_accepted")).sum().alias("discarded"),
            (pl.col("is_flagged").fill_null(False) & pl.col("is_accepted")).sum().alias("flagged"),
        )
        return {row.pop("file_key"): row for row in rows.to_dicts()}

    def _remember(self, records: MonthRecords, names: dict[str, str], month: date) -> None:
        """Truth of a month: each record and demand with the true persons, each expected finding."""
        name = pl.col("file_key").replace_strict(names, return_dtype=pl.String).alias("file_name")
        # The last accepted version of a key is the live one; a cancelled key has none.
        accepted = pl.col("is_accepted")
        order = pl.when(accepted).then(pl.col("progressive")).otherwise(-1)
        contacts = records.contacts.with_columns(
            (accepted & (pl.col("operation") != "C") & (order == order.max().over("key"))).alias("is_live")
        )
        self.contacts.append(
            contacts.select(
                name,
                pl.lit(month).alias("month_on"),
                "sender_code",
                "record_number",
                pl.col("key").alias("record_key"),
                "operation",
                pl.col("on").alias("contact_on"),
                "kind",
                "fault",
                "is_accepted",
                "is_live",
                (pl.col("is_live") & (pl.col("kind") == "base")).alias("is_counted"),
                pl.col("mode").alias("contact_mode_code"),
                pl.col("reporter").alias("reporter_type_code"),
                "true_reporter_id",
                pl.col("reporter_identifier").is_not_null().alias("has_reporter_identifier"),
            )
        )
        live = contacts.select("file_key", "record_number", "sender_code", "is_live")
        self.demands.append(
            records.demands.join(live, on=["file_key", "record_number"], how="left", maintain_order="left").select(
                name,
                pl.lit(month).alias("month_on"),
                "sender_code",
                "record_number",
                pl.col("key").alias("record_key"),
                "demand_number",
                "true_person_id",
                pl.col("case").alias("identity_case"),
                "regional",
                "target",
                "foreign",
                "band",
                pl.col("sex").alias("sex_code"),
                "is_live",
            )
        )
        self.deliveries.presented.append(
            records.demands.join(
                contacts.select("file_key", "record_number", "sender_code", "is_accepted"),
                on=["file_key", "record_number"],
                how="left",
                maintain_order="left",
            ).select(
                pl.lit("IASS").alias("flow_code"),
                name,
                "record_number",
                pl.col("demand_number").cast(pl.String).alias("item"),
                "sender_code",
                pl.col("key").alias("record_key"),
                "true_person_id",
                "registry_id",
                pl.col("case").alias("identity_case"),
                "is_accepted",
            )
        )
        self.deliveries.findings.append(
            records.findings.select(
                name, "record_number", pl.col("key").alias("record_key"), "item", "rule_code", "grade"
            )
        )
