"""Makes the synthetic region: all deliveries of some months, their arrival, and the truth behind them.

Belongs here: the order of work, the truth folder. Does not: how a resident, a contact, a stay or a file is made.
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
from orchestration.demo import faults, measure, names, write
from orchestration.demo.changes import MonthlyChanges
from orchestration.demo.contacts import YearPlan, months_of, plan_year
from orchestration.demo.continuations import plan_continuations
from orchestration.demo.deliveries import Deliveries
from orchestration.demo.desks import Desks
from orchestration.demo.late import LateVariations
from orchestration.demo.nomenclature import add_months, make_nomenclatures, month_end
from orchestration.demo.population import Registry, first_day_registry
from orchestration.demo.presented import true_ids
from orchestration.demo.records import RecordMaker
from orchestration.demo.services import Services
from orchestration.demo.territory import Territory, load_territory

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
    people_rng, change_rng, plan_rng, record_rng, delivery_rng, local_rng, service_rng, path_rng, late_rng = (
        np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(9)
    )
    territory = load_territory(start)
    registry, outside = first_day_registry(territory, scale, people_rng), Registry(territory)
    locals_ = make_nomenclatures(local_rng, territory.districts, start, months, faults.BAD_NOMENCLATURE_LINE_SHARE)
    maker = RecordMaker(record_rng, registry, outside, locals_)
    changes = MonthlyChanges(registry, change_rng)
    deliveries = Deliveries(out_dir, delivery_rng, _packing(territory, start, months))
    desks = Desks(deliveries, LateVariations(late_rng))
    desks.nomenclatures(locals_.files)
    services = Services(service_rng, registry, outside, scale, start)
    residents = len(registry)
    all_months = months_of(start, months)
    plan: YearPlan | None = None
    plans: list[YearPlan] = []
    for done, month in enumerate(all_months):
        if progress:
            progress(f"{month:%Y-%m}", done, months)
        if plan is None or plan.year != month.year:
            plan = plan_year(plan_rng, registry, outside, [m for m in all_months if m.year == month.year], scale)
            plans.append(plan)
            services.expect(plan_continuations(path_rng, plan, registry, outside))
        changes.apply(month, month_end(month), _protected(registry, plan, month), services.frail())
        desks.snapshot(registry, month_end(month), is_late=months >= 4 and done == 1)
        desks.month(maker.month(plan, plan.months.index(month)), month)
        services.month(month, deliveries)
    deliveries.finish()
    contacts, demands = pl.concat(desks.contacts), pl.concat(desks.demands)
    tables = {
        "contacts": contacts,
        "demands": demands,
        "persons": _true_persons(plans),
        "twins": _true_twins(registry, outside),
        "planted": _planted(registry, outside),
        **services.truth(),
    }
    rows = measure.measure_desks(plans, contacts, demands) + measure.measure_services(
        tables, services, scale, all_months
    )
    tables["calibration"] = pl.DataFrame(
        [(r.group, r.item, r.target, r.generated) for r in rows],
        schema=["group", "item", "target", "generated"],
        orient="row",
    )
    for name, table in tables.items():
        table.write_parquet(out_dir / "truth" / f"{name}.parquet")
    if progress:
        progress("done", months, months)
    return Summary(out_dir, residents, len(deliveries.rows), deliveries.bytes_written, rows)


def _packing(territory: Territory, start: date, months: int) -> dict[str, str]:
    """How each sender packs its files: plain, gzip, zip; the region sends its snapshots plain."""
    days = [start, add_months(start, months)]
    ausl = sorted({code for day in days for code in territory.at(day)["ausl_code"]})
    return {code: write.PACKINGS[i % 3] for codes in (territory.districts, ausl) for i, code in enumerate(codes)}


def _protected(registry: Registry, plan: YearPlan, month: date) -> np.ndarray:
    """Who has a contact in this month or a later one of the year neither dies nor leaves before it: the totals hold."""
    index = plan.months.index(month)
    coming = plan.contacts.filter(pl.col("month") >= index)
    asking = pl.concat([coming["principal"], plan.demands.join(coming, on="contact", how="semi")["person"]]).unique()
    mask = np.zeros(len(registry), dtype=bool)
    persons = plan.persons.filter((pl.col("source") == 0) & pl.col("person").is_in(asking.implode()))
    mask[persons["position"].to_numpy()] = True
    return mask


def _true_persons(plans: list[YearPlan]) -> pl.DataFrame:
    """Interested persons: true id, registry id (null: unknown to the registry), target."""
    inside = pl.col("source") == 0
    persons = pl.concat([p.persons.select("source", "position", "target") for p in plans]).unique(
        ["source", "position"], keep="first", maintain_order=True
    )
    ids = true_ids(persons["source"], persons["position"])
    return persons.select(
        ids.alias("true_person_id"),
        pl.when(inside).then(ids).alias("registry_id"),
        pl.Series(cal.TARGET_CODES).gather(persons["target"]).alias("report_target_code"),
    )


def _planted(registry: Registry, outside: Registry) -> pl.DataFrame:
    """Who is hard to tell from whom, by kind: born on 1 January abroad; a twin whose given name begins as the other's;
    a namesake of the same comune and month; a code that differs from another's in the letters of an omocodia."""
    book = names.name_book().names
    everybody = pl.concat(
        pl.DataFrame({name: people[name] for name in ("family", "given", "sex", "birth", "place")}).with_columns(
            true_ids(pl.repeat(source, len(people), eager=True), pl.int_range(len(people), eager=True)).alias(
                "true_person_id"
            ),
            people.places.codes.gather(people["place"]).alias("place_code"),
            pl.Series(np.isin(np.arange(len(people)), people.with_variants())).alias("has_variant"),
        )
        for source, people in enumerate((registry, outside))
    ).with_columns(
        pl.col("birth").cast(pl.Date).alias("born"),
        book.gather(pl.concat([pl.Series(people["given"]) for people in (registry, outside)])).alias("given_name"),
    )
    born = pl.col("born").dt
    birth = ["family", "sex", "birth", "place"]
    alike = everybody.with_columns(pl.col("given_name").str.slice(0, 2).alias("beginning"))
    kinds = {
        "new_year": everybody.filter(
            (born.month() == 1) & (born.day() == 1) & pl.col("place_code").str.starts_with("Z")
        ),
        "twin_alike": alike.filter(
            (pl.col("given").n_unique().over(*birth, "beginning") > 1) & (pl.len().over(birth) > 1)
        ),
        "namesake": everybody.filter(
            pl.col("birth").n_unique().over("family", "given", "sex", "place", born.year(), born.month()) > 1
        ),
        "omocodia": everybody.filter("has_variant"),
    }
    return pl.concat(
        found.select("true_person_id", pl.lit(kind).alias("kind")).sort("true_person_id")
        for kind, found in kinds.items()
    )


def _true_twins(registry: Registry, outside: Registry) -> pl.DataFrame:
    """Pairs of persons of one sex with the same family name, birth date and birth place, whom the given name alone
    tells apart: twins, also of people whom the registry does not know. Each pair stands once in each direction."""
    birth = ("family", "sex", "birth", "place")
    everybody = pl.concat(
        pl.DataFrame({name: people[name] for name in (*birth, "given")}).with_columns(
            pl.lit(source, pl.Int64).alias("source"), pl.int_range(len(people), dtype=pl.Int64).alias("position")
        )
        for source, people in enumerate((registry, outside))
    ).filter(pl.len().over(birth) > 1)
    pairs = everybody.join(everybody, on=birth, suffix="_of_twin").filter(pl.col("given") != pl.col("given_of_twin"))
    return pl.DataFrame(
        {
            "true_person_id": true_ids(pairs["source"], pairs["position"]),
            "twin_person_id": true_ids(pairs["source_of_twin"], pairs["position_of_twin"]),
        }
    ).sort("true_person_id", "twin_person_id")
