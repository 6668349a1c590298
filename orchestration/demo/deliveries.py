"""Deliveries on their way: files in the landing folder, the day each arrives, the truth about them.

Belongs here: what all flows share: names, packing, late and repeated and misdirected files, counts, truth tables.
Does not: what stands in the files.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from orchestration.demo import faults, service_faults, write
from orchestration.demo.nomenclature import add_months
from orchestration.intake.contract import flow_codes

RESENT_FOLDER = "reinvio"  # the same name cannot stand twice in one folder
FILE = ["sender_code", "progressive"]
FINDING_SCHEMA = {
    "file_name": pl.String,
    "record_number": pl.Int64,
    "record_key": pl.String,
    "item": pl.String,
    "rule_code": pl.String,
    "grade": pl.String,
}
#: One form for all flows: a person as presented in a record, and who she is.
PRESENTED_SCHEMA = {
    "flow_code": pl.String,
    "file_name": pl.String,
    "record_number": pl.Int64,
    "item": pl.String,
    "sender_code": pl.String,
    "record_key": pl.String,
    "true_person_id": pl.String,
    "registry_id": pl.String,
    "identity_case": pl.String,
    "is_accepted": pl.Boolean,
}


@dataclass(frozen=True)
class Batch:
    """The records of a flow in a period over all senders, in file order.

    records: sender_code, progressive, record_number, key, and for flows with persons true_person_id, registry_id, case.
    findings: sender_code, progressive, record_number, key, item, rule_code. contents: the bytes of each file.
    """

    flow: str
    period: str
    period_end: date
    suffix: str
    records: pl.DataFrame
    findings: pl.DataFrame
    contents: dict[tuple[str, int], bytes]
    #: The first lines of a file under another period, for a delivery that is refused; XML with a root of our own only.
    misdirected: Callable[[str, int], bytes] | None = None


@dataclass
class Deliveries:
    """Writes files and remembers what is true of them. A thread packs and writes what the generator has made, while it
    makes what comes next: both release the interpreter. What failed there is raised by `finish`."""

    out_dir: Path
    rng: np.random.Generator
    packing: dict[str, str]
    bytes_written: int = 0
    rows: list[dict[str, object]] = field(default_factory=list)
    findings: list[pl.DataFrame] = field(default_factory=list)
    presented: list[pl.DataFrame] = field(default_factory=list)
    _writer: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "writer"))
    _writing: list[Future[object]] = field(default_factory=list)

    @property
    def landing(self) -> Path:
        """Where senders put their files."""
        return self.out_dir / "landing"

    def put(self, sender: str, name: str, content: bytes) -> Path:
        """Write a file as this sender packs them."""
        path = self.landing / sender / f"{name}{self.packing[sender]}"
        self._writing.append(self._writer.submit(write.write_packed, path, content))
        return path

    def put_csv(self, sender: str, name: str, frame: pl.DataFrame) -> Path:
        """Write a frame as a file of the sender, plain."""
        path = self.landing / sender / name
        self._writing.append(self._writer.submit(write.write_csv, path, frame))
        return path

    def add(
        self, path: Path, flow: str, sender: str, period: str, number: int, arrives: date, outcome: str,
        *, sent: int = 0, discarded: int = 0, flagged: int = 0,
    ) -> None:  # fmt: skip
        """Remember a file that was written."""
        if outcome == "accepted" and sent and discarded == sent:
            outcome = "nothing_loaded"
        self.rows.append(
            {
                "arrives_on": arrives,
                "path": path.relative_to(self.landing).as_posix(),
                "file_name": path.name,
                "flow_code": flow,
                "sender_code": sender,
                "period_code": period,
                "progressive": number,
                "outcome": outcome,
                "records_sent": sent,
                "records_accepted": sent - discarded,
                "records_discarded": discarded,
                "records_flagged": flagged,
            }
        )

    def perhaps_again(
        self, path: Path, flow: str, sender: str, period: str, number: int, arrives: date, counts: dict[str, int]
    ) -> None:
        """Some files come a second time, byte for byte."""
        if self.rng.random() < faults.REPEATED_SHARE:
            again = self.landing / sender / RESENT_FOLDER / path.name
            self._writing.append(self._writer.submit(write.copy, path, again))
            self.add(again, flow, sender, period, number, write.day_after(arrives, 1), "repeated", **counts)

    def misdirect(self, path: Path, flow: str, sender: str, period: str, number: int, day: date) -> None:
        """Remember a file whose inside speaks of another period: it is refused."""
        self.add(path, flow, sender, period, number, day, "refused")
        rule = f"{flow}-{faults.WRONG_PERIOD_RULE}"
        self.findings.append(findings_frame([(path.name, None, None, None, rule, "FILE")]))

    def send(self, batch: Batch) -> None:
        """The files of a period of a sibling flow: each at its day in its window, some late, some again."""
        if batch.flow not in flow_codes():
            return  # nobody sends what the gate has no contract for
        windows = service_faults.WINDOWS[batch.flow]
        names: dict[tuple[str, int], str] = {}
        counts = _counts(batch)
        for (sender, number), content in sorted(batch.contents.items()):
            late = self.rng.random() < faults.LATE_SHARE
            first, last = windows.late if late else windows.first
            if number > 1:
                first, last = windows.correction
            arrives = write.day_after(batch.period_end, int(self.rng.integers(first, last + 1)))
            name = f"{batch.flow}_{sender}_{batch.period}_{number:03d}.{batch.suffix}"
            path = self.put(sender, name, content)
            names[sender, number] = path.name
            mine = counts[sender, number]
            self.add(path, batch.flow, sender, batch.period, number, arrives, "accepted", **mine)
            self.perhaps_again(path, batch.flow, sender, batch.period, number, arrives, mine)
            if number == 1 and batch.misdirected and self.rng.random() < faults.WRONG_PERIOD_SHARE:
                day = write.day_after(batch.period_end, windows.correction[1] + 2)
                number = 1 + max(n for s, n in batch.contents if s == sender)
                name = f"{batch.flow}_{sender}_{batch.period}_{number:03d}.{batch.suffix}"
                path = self.put(sender, name, batch.misdirected(sender, number))
                self.misdirect(path, batch.flow, sender, batch.period, number, day)
        self._remember(batch, names)

    def finish(self) -> None:
        """Write arrivals and the truth about files, findings and persons."""
        self._writer.shutdown()
        for done in self._writing:
            done.result()
        self.bytes_written = sum((self.landing / str(row["path"])).stat().st_size for row in self.rows)
        truth = self.out_dir / "truth"
        deliveries = pl.DataFrame(self.rows).sort("arrives_on", "path")
        deliveries.select(pl.col("arrives_on").cast(pl.String), "path", "file_name").write_csv(
            self.out_dir / "arrivals.csv"
        )
        deliveries.write_parquet(truth / "deliveries.parquet")
        pl.concat(self.findings).write_parquet(truth / "findings.parquet")
        pl.concat(self.presented).write_parquet(truth / "presented.parquet")

    def _remember(self, batch: Batch, names: dict[tuple[str, int], str]) -> None:
        named = pl.DataFrame(
            [(sender, number, name) for (sender, number), name in names.items()],
            schema={"sender_code": pl.String, "progressive": pl.Int64, "file_name": pl.String},
            orient="row",
        )
        if batch.findings.height:
            found = batch.findings.join(named, on=FILE, maintain_order="left").with_columns(
                pl.col("key").alias("record_key"), grade("rule_code")
            )
            self.findings.append(found.select(list(FINDING_SCHEMA)))
        if "case" not in batch.records.columns:
            return
        shown = with_acceptance(batch.records.filter(pl.col("case").is_not_null()), batch.findings)
        self.presented.append(
            shown.join(named, on=FILE, maintain_order="left").select(
                pl.lit(batch.flow).alias("flow_code"),
                "file_name",
                "record_number",
                pl.lit(None, dtype=pl.String).alias("item"),
                "sender_code",
                pl.col("key").alias("record_key"),
                "true_person_id",
                "registry_id",
                pl.col("case").alias("identity_case"),
                "is_accepted",
            )
        )


def previous_period(period: str) -> str:
    """The period before a month or a quarter."""
    year, part = period.split("-")
    if part.startswith("Q"):
        return f"{year}-Q{int(part[1]) - 1}" if part != "Q1" else f"{int(year) - 1}-Q4"
    return f"{add_months(date(int(year), int(part), 1), -1):%Y-%m}"


def grade(column: str) -> pl.Expr:
    """The grade that the number of a rule tells."""
    number = pl.col(column).str.extract(r"-(\d+)$").cast(pl.Int32)
    return pl.when(number < 500).then(pl.lit("SCARTO")).otherwise(pl.lit("ANOMALIA")).alias("grade")


def findings_frame(rows: list[tuple[str, int | None, str | None, str | None, str, str]]) -> pl.DataFrame:
    """Expected findings as a frame."""
    return pl.DataFrame(rows, schema=FINDING_SCHEMA, orient="row")


def with_acceptance(records: pl.DataFrame, findings: pl.DataFrame) -> pl.DataFrame:
    """Whether each record is accepted: no finding says that it is discarded."""
    place = [*FILE, "record_number"]
    discarded = findings.with_columns(grade("rule_code")).filter(pl.col("grade") == "SCARTO").select(place).unique()
    return records.join(
        discarded.with_columns(pl.lit(False).alias("is_accepted")), on=place, how="left", maintain_order="left"
    ).with_columns(pl.col("is_accepted").fill_null(True))


def _counts(batch: Batch) -> dict[tuple[str, int], dict[str, int]]:
    place = [*FILE, "record_number"]
    flagged = batch.findings.with_columns(grade("rule_code")).filter(pl.col("grade") == "ANOMALIA").select(place)
    rows = (
        with_acceptance(batch.records.select(place), batch.findings)
        .join(flagged.unique().with_columns(pl.lit(True).alias("is_flagged")), on=place, how="left")
        .group_by(FILE)
        .agg(
            pl.len().alias("sent"),
            (~pl.col("is_accepted")).sum().alias("discarded"),
            (pl.col("is_flagged").fill_null(False) & pl.col("is_accepted")).sum().alias("flagged"),
        )
    )
    return {(row.pop("sender_code"), row.pop("progressive")): row for row in rows.to_dicts()}
