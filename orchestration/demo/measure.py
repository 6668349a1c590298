"""Target and generated figures of a synthetic region: what is printed after `iass demo generate`.

Belongs here: counting what a right pipeline ends up counting. Does not: the targets (calibration.py, rates.py).
"""

from datetime import date

import numpy as np
import polars as pl

from orchestration.demo import calibration as cal
from orchestration.demo import rates
from orchestration.demo.contacts import YearPlan
from orchestration.demo.nomenclature import REGIONAL_CODES, month_end
from orchestration.demo.services import Services


def measure_desks(plans: list[YearPlan], contacts: pl.DataFrame, demands: pl.DataFrame) -> list[cal.Row]:
    """Target and generated figures of everything that a right pipeline ends up counting."""
    demands = demands.filter("is_live")
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


def measure_services(
    tables: dict[str, pl.DataFrame], services: Services, scale: float, all_months: list[date]
) -> list[cal.Row]:
    """Volumes of the services, and how many demands went on into one, against the declared ones."""
    told, paths = tables["services"].filter("is_real"), tables["continuations"]
    first, last = all_months[0], month_end(all_months[-1])
    years = len(all_months) / 12
    begun = dict(told.filter(pl.col("start_on").is_between(first, last)).group_by("service_code").len().iter_rows())
    quarters = sum(m.month % 3 == 0 for m in all_months)
    rows = []
    for label, code, target in (
        ("FAR, ammissioni", "FAR", rates.FAR_ADMISSIONS_A_YEAR),
        ("ADI, prese in carico", "ADI", rates.ADI_STARTS_A_YEAR),
        ("SISAM, casi", "SISAM", rates.SISAM_CASES_A_YEAR),
    ):
        # Of the flows by quarter the last months are not yet told.
        share = years if code == "ADI" else min(years, quarters / 4)
        rows.append(cal.Row("Servizi", label, target * scale * share, begun.get(code, 0)))
    rows.append(cal.Row("Servizi", "ADI, accessi", rates.ADI_ACCESSES_A_YEAR * scale * years, services.adi.n_accesses))
    halves = len(services.smac.n_contracts)
    contracts = sum(services.smac.n_contracts)
    rows.append(cal.Row("Servizi", "SMAC, contratti", rates.SMAC_CONTRACTS_A_HALF_YEAR * scale * halves, contracts))
    for rule in rates.CONTINUATIONS:
        mine = paths.filter(pl.col("regional_code").is_in(rule.codes) & (pl.col("service_code") == rule.service))
        wanted = np.where(mine["is_referred"], rule.rate_with_referral, rule.rate).mean() if mine.height else 0.0
        label = f"{rule.service} dopo {', '.join(rule.codes[:2])}{'…' if len(rule.codes) > 2 else ''}"
        going = (mine["fate"] != "never").mean() if mine.height else 0.0
        rows.append(cal.Row("Domande con seguito, %", label, 100 * float(wanted), 100 * float(going)))  # type: ignore[arg-type]
    return [row for row in rows if row.target]


def _label(mask: pl.Series, yes: str, no: str) -> pl.Series:
    return pl.select(pl.when(mask).then(pl.lit(yes)).otherwise(pl.lit(no))).to_series()


def _needs(regional: pl.Series) -> pl.Series:
    return pl.Series(REGIONAL_CODES).str.slice(0, 2).gather(regional)
