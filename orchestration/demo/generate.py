"""Makes the synthetic region: all deliveries of some months, their arrival, and the truth behind them.

Belongs here: the order of work, deliveries that go wrong as a whole, the truth folder, the calibration rows.
Does not: how a resident, a contact or a file is made (population, changes, contacts, records, write).
The pipeline never reads the truth folder; only tests do.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from orchestration.demo import calibration as cal
from orchestration.demo import faults, write
from orchestration.demo.changes import MonthlyChanges
from orchestration.demo.contacts import YearPlan, months_of, plan_year
from orchestration.demo.nomenclature import (
    COLUMNS,
    REGIONAL_CODES,
    LocalNomenclature,
    add_months,
    make_nomenclatures,
    month_end,
)
from orchestration.demo.population import Registry, first_day_registry, registry_ids
from orchestration.demo.records import MonthRecords, RecordMaker
from orchestration.demo.territory import load_territory

REGION = "080"
RESENT_FOLDER = "reinvio"  # the same name cannot stand twice in one folder
README = """# Regione sintetica

Tutti i dati di questa cartella sono inventati: nessuna persona, nessun codice fiscale e nessun contatto è reale.
All data in this folder are synthetic. No person, code or contact is real; a match with a real one is chance.

- `landing/<sender>/`: the deliveries, as senders would put them; `arrivals.csv`: on which day each one arrives
- `truth/`: who is who and which findings must be raised (Parquet); for tests, never read by the pipeline
"""


@dataclass
class Summary:
    """What was generated."""

    out_dir: Path
    residents: int = 0
    deliveries: int = 0
    bytes_written: int = 0
    calibration: list[cal.Row] = field(default_factory=list)


@dataclass
class _Truth:
    """Rows of the truth, collected month by month."""

    deliveries: list[dict[str, object]] = field(default_factory=list)
    contacts: list[pl.DataFrame] = field(default_factory=list)
    demands: list[pl.DataFrame] = field(default_factory=list)
    findings: list[pl.DataFrame] = field(default_factory=list)


def generate(
    out_dir: Path,
    *,
    scale: float,
    start_month: date,
    months: int,
    seed: int,
    progress: Callable[[str, int, int], None] | None = None,
) -> Summary:
    """Write the deliveries of `months` months to `out_dir`; `progress(step, done, total)` hears of each month."""
    start = start_month.replace(day=1)
    for part in ("landing", "truth"):
        shutil.rmtree(out_dir / part, ignore_errors=True)
    (out_dir / "truth").mkdir(parents=True)
    (out_dir / "README.md").write_text(README, encoding="utf-8")
    # One stream of random numbers for each concern: a change in one leaves the others as they were.
    people_rng, change_rng, plan_rng, record_rng, delivery_rng, local_rng = (
        np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(6)
    )
    territory = load_territory(start)
    registry, outside = first_day_registry(territory, scale, people_rng), Registry(territory)
    locals_ = make_nomenclatures(local_rng, territory.districts, start, months, faults.BAD_NOMENCLATURE_LINE_SHARE)
    maker = RecordMaker(record_rng, registry, outside, locals_)
    changes = MonthlyChanges(registry, change_rng)
    summary, truth = Summary(out_dir, residents=len(registry)), _Truth()
    writer = _Writer(out_dir, delivery_rng, truth, summary, territory.districts)
    writer.nomenclatures(locals_.files)
    all_months = months_of(start, months)
    plan: YearPlan | None = None
    plans: list[YearPlan] = []
    for done, month in enumerate(all_months):
        if progress:
            progress(f"{month:%Y-%m}", done, months)
        if plan is None or plan.year != month.year:
            plan = plan_year(plan_rng, registry, outside, [m for m in all_months if m.year == month.year], scale)
            plans.append(plan)
        changes.apply(month, month_end(month), _protected(registry, plan))
        writer.snapshot(registry, month_end(month), is_late=months >= 4 and done == 1)
        writer.contacts(maker.month(plan, plan.months.index(month)), month)
    writer.finish()
    _true_persons(plans, registry).write_parquet(out_dir / "truth" / "persons.parquet")
    summary.calibration = _measure(plans, truth)
    pl.DataFrame(
        [(r.group, r.item, r.target, r.generated) for r in summary.calibration],
        schema=["group", "item", "target", "generated"],
        orient="row",
    ).write_parquet(out_dir / "truth" / "calibration.parquet")
    if progress:
        progress("done", months, months)
    return summary


def _protected(registry: Registry, plan: YearPlan) -> np.ndarray:
    """People with contacts in the year neither die nor leave in it: the totals would no longer hold."""
    mask = np.zeros(len(registry), dtype=bool)
    mask[plan.persons.filter(pl.col("source") == 0)["position"].to_numpy()] = True
    return mask


def _true_persons(plans: list[YearPlan], registry: Registry) -> pl.DataFrame:
    """Interested persons: true id, registry id (null: unknown to the registry), target, and who shares a base code."""
    inside = pl.col("source") == 0
    persons = pl.concat([p.persons.select("source", "position", "target") for p in plans]).unique(
        ["source", "position"], keep="first", maintain_order=True
    )
    ids = registry_ids(persons["position"].to_numpy())
    # Two people whom only omocodia tells apart: a code reduced to its base is not enough to know who is who.
    shared = pl.Series(np.isin(persons["position"].to_numpy(), registry.with_shared_base()))
    return persons.select(
        pl.when(inside).then(ids).otherwise(ids.str.replace("ER", "XX")).alias("true_person_id"),
        pl.when(inside).then(ids).alias("registry_id"),
        pl.Series(cal.TARGET_CODES).gather(persons["target"]).alias("report_target_code"),
        (shared & persons.select(inside).to_series()).alias("has_shared_base_code"),
    )


class _Writer:
    """Writes deliveries, their arrival and the truth about them."""

    def __init__(
        self, out_dir: Path, rng: np.random.Generator, truth: _Truth, summary: Summary, districts: list[str]
    ) -> None:
        self.landing, self.truth_dir, self.out_dir = out_dir / "landing", out_dir / "truth", out_dir
        self.rng, self.truth, self.summary = rng, truth, summary
        self.packing = {code: write.PACKINGS[i % len(write.PACKINGS)] for i, code in enumerate(districts)}

    def nomenclatures(self, files: list[LocalNomenclature]) -> None:
        """All NOML files; each arrives some days before it is valid."""
        for item in files:
            name = f"NOML_{item.district}_{item.valid_from.isoformat()}_001.csv"
            path = write.write_csv(self.landing / item.district, name, item.frame.select(COLUMNS))
            bad = item.frame.with_row_index("record_number", 1).filter("is_bad")
            self._delivery(
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
                self.truth.findings.append(
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
        path = write.write_csv(self.landing / REGION, f"NAAR_{REGION}_{day.isoformat()}_001.csv", frame)
        shared = registry.with_shared_base()
        numbers = np.searchsorted(np.flatnonzero(registry["present"]), shared) + 1
        rows = zip(numbers.tolist(), registry_ids(shared).to_list(), strict=True)
        self.truth.findings.append(
            _findings_frame([(path.name, n, key, None, faults.SHARED_BASE_RULE, "ANOMALIA") for n, key in rows])
        )
        arrives = write.day_after(day, 40 if is_late else 3)
        counts = {"sent": frame.height, "discarded": 0, "flagged": len(shared)}
        self._delivery(path, "NAAR", REGION, day.isoformat(), 1, arrives, "accepted", **counts)

    def contacts(self, records: MonthRecords, month: date) -> None:
        """The IASS files of a month, with the deliveries that go wrong as a whole."""
        period, due = f"{month:%Y-%m}", add_months(month, 1)
        previous = f"{add_months(month, -1):%Y-%m}"
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
            self._delivery(path, "IASS", sender, period, number, arrives, "accepted", **counts[file_key])
            last[sender] = (number, arrives, texts[file_key])
            if self.rng.random() < faults.REPEATED_SHARE:
                again = self.landing / sender / RESENT_FOLDER / path.name
                again.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, again)
                self._delivery(
                    again, "IASS", sender, period, number, write.day_after(arrives, 1), "repeated", **counts[file_key]
                )
        for sender, (number, arrives, text) in last.items():
            if self.rng.random() < faults.WRONG_PERIOD_SHARE:
                # It takes the next free progressive and comes last, so that the period is all that is wrong with it.
                one = text.split("\n")[0]
                day = write.day_after(arrives, 2)
                path = self._iass(sender, period, number + 1, day, one, previous)
                self._delivery(path, "IASS", sender, period, number + 1, day, "refused", sent=0, discarded=0, flagged=0)
                self.truth.findings.append(
                    _findings_frame([(path.name, None, None, None, faults.WRONG_PERIOD_RULE, "FILE")])
                )
        self._remember(records, names, month)

    def finish(self) -> None:
        """Write arrivals and truth."""
        deliveries = pl.DataFrame(self.truth.deliveries).sort("arrives_on", "path")
        deliveries.select(pl.col("arrives_on").cast(pl.String), "path", "file_name").write_csv(
            self.out_dir / "arrivals.csv"
        )
        deliveries.write_parquet(self.truth_dir / "deliveries.parquet")
        for name in ("contacts", "demands", "findings"):
            pl.concat(getattr(self.truth, name)).write_parquet(self.truth_dir / f"{name}.parquet")

    def _iass(self, sender: str, period: str, number: int, arrives: date, text: str, inside: str) -> Path:
        name = f"IASS_{sender}_{period}_{number:03d}.xml"
        content = write.iass_document(sender, inside, number, write.day_after(arrives, -1), text)
        return write.write_packed(self.landing / sender, name, content, self.packing[sender])

    def _delivery(
        self, path: Path, flow: str, sender: str, period: str, number: int, arrives: date, outcome: str,
        *, sent: int, discarded: int, flagged: int,
    ) -> None:  # fmt: skip
        size = path.stat().st_size
        self.summary.deliveries += 1
        self.summary.bytes_written += size
        self.truth.deliveries.append(
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
        self.truth.contacts.append(
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
        self.truth.demands.append(
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
        self.truth.findings.append(
            records.findings.select(
                name, "record_number", pl.col("key").alias("record_key"), "item", "rule_code", "grade"
            )
        )


def _findings_frame(rows: list[tuple[str, int | None, str | None, str | None, str, str]]) -> pl.DataFrame:
    return pl.DataFrame(
        rows,
        schema={
            "file_name": pl.String,
            "record_number": pl.Int64,
            "record_key": pl.String,
            "item": pl.String,
            "rule_code": pl.String,
            "grade": pl.String,
        },
        orient="row",
    )


def _measure(plans: list[YearPlan], truth: _Truth) -> list[cal.Row]:
    """Target and generated figures of everything that a right pipeline ends up counting."""
    contacts = pl.concat(truth.contacts)
    demands = pl.concat(truth.demands).filter("is_live")
    counted = contacts.filter("is_counted")
    n_contacts, n_demands = counted.height, demands.height
    known = demands.filter(pl.col("true_person_id").is_not_null()).with_columns(
        pl.col("month_on").dt.year().alias("year")
    )
    persons = known.unique(["year", "true_person_id"], keep="first", maintain_order=True)
    wanted = {name: sum(p.totals[name] for p in plans) for name in ("contacts", "demands", "persons")}
    rows = [
        cal.Row("Totali", "contatti", wanted["contacts"], n_contacts),
        cal.Row("Totali", "domande", wanted["demands"], n_demands),
        cal.Row("Totali", "persone interessate", wanted["persons"], persons.height),
    ]
    months = [m for p in plans for m in p.months]
    shape = np.array([cal.MONTH_SHAPE[m.month - 1] for m in months])
    by_month = dict(counted.group_by("month_on").len().iter_rows())
    rows += [
        cal.Row("Contatti per mese", f"{m:%Y-%m}", float(wanted["contacts"] * s / shape.sum()), by_month.get(m, 0))
        for m, s in zip(months, shape, strict=True)
    ]

    def shares(group: str, target: dict[str, float], values: pl.Series) -> list[cal.Row]:
        found = dict(values.value_counts().iter_rows())
        total, all_found = sum(target.values()), max(1, sum(found.get(k, 0) for k in target))
        return [cal.Row(group, k, 100 * v / total, 100 * found.get(k, 0) / all_found) for k, v in target.items()]

    rows += shares("Modalità, % contatti", cal.MODES, counted["contact_mode_code"])
    rows += shares("Segnalante, % contatti", cal.REPORTERS, counted["reporter_type_code"])
    target = pl.Series(cal.TARGET_CODES).gather(persons["target"])
    rows += shares("Target, % persone", cal.TARGETS, target)
    rows += shares(
        "Cittadinanza, % persone",
        {"straniera": 34.0, "italiana": 66.0},
        _label(persons["foreign"] == 1, "straniera", "italiana"),
    )
    foreign = persons.filter(pl.col("foreign") == 1)
    under_60 = 100 * (foreign["band"].to_numpy() < 9).sum() / max(1, foreign.height)
    rows.append(cal.Row("Cittadinanza, % persone", "stranieri sotto i 60", 100 * cal.FOREIGN_UNDER_60, under_60))
    women = int((persons["sex_code"] == "F").sum())
    men = int((persons["sex_code"] == "M").sum())
    rows.append(cal.Row("Genere", "donne per 100 uomini", 103.0, 100 * women / max(1, men)))
    band = persons["band"]
    labels = list(cal.AGE_BANDS_UNDER_65)
    under = band.filter(band < 10).clip(upper_bound=8).replace_strict(dict(enumerate(labels)), return_dtype=pl.String)
    rows += shares("Età sotto i 65, % persone", cal.AGE_BANDS_UNDER_65, under)
    need = _needs(demands["regional"])
    rows += shares("Bisogno, % domande", {k: float(v) for k, v in cal.NEEDS.items()}, need)
    return rows


def _label(mask: pl.Series, yes: str, no: str) -> pl.Series:
    return pl.select(pl.when(mask).then(pl.lit(yes)).otherwise(pl.lit(no))).to_series()


def _needs(regional: pl.Series) -> pl.Series:
    return pl.Series(REGIONAL_CODES).str.slice(0, 2).gather(regional)
