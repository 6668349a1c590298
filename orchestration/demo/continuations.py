"""From a demand at a social desk to the service that answers it: which demands go on, into what and when.

Belongs here: the choice by declared rates and what became of each. Does not: the rates (rates.py), the episodes.
"""

import numpy as np
import polars as pl

from orchestration.demo import rates
from orchestration.demo.contacts import YearPlan
from orchestration.demo.nomenclature import REGIONAL_CODES
from orchestration.demo.population import Registry, day_number

#: What became of a demand that could go on: it began, or it did not and why.
NEVER, PLANNED, STARTED, DIED, LEFT, ALREADY = "never", "planned", "started", "died", "left", "already in service"


def plan_continuations(rng: np.random.Generator, plan: YearPlan, registry: Registry, outside: Registry) -> pl.DataFrame:
    """Demands of a year that could go on into a service: service, due (a day number), person, demand, fate."""
    regional = pl.Series(REGIONAL_CODES)
    referred = plan.outcomes.filter(pl.col("destination").is_not_null()).select(
        "contact", "demand_number", pl.col("destination").alias("referred_to")
    )
    demands = (
        plan.demands.filter(~pl.col("is_anonymous"))
        .join(plan.contacts.filter(pl.col("kind") == "base").select("contact", "day", "district"), on="contact")
        .join(plan.persons.select("person", "source", "position"), on="person")
        .join(referred.unique(["contact", "demand_number"], keep="first"), on=["contact", "demand_number"], how="left")
        .sort("contact", "demand_number")
    )
    demands = demands.with_columns(regional.gather(demands["regional"]).alias("regional_code"))
    age = np.zeros(demands.height, dtype=np.int64)
    for source, people in enumerate((registry, outside)):
        mine = np.flatnonzero((demands["source"] == source).to_numpy())
        age[mine] = people.age(demands["position"].to_numpy()[mine], day_number(plan.months[-1]))
    parts = []
    for rule in rates.CONTINUATIONS:
        fits = demands["regional_code"].is_in(rule.codes).to_numpy() & (age >= rule.ages[0]) & (age <= rule.ages[1])
        rows = demands.filter(pl.Series(fits))
        n = rows.height
        wanted = np.where(
            (rows["referred_to"] == rule.service).fill_null(False).to_numpy(), rule.rate_with_referral, rule.rate
        )
        days = np.maximum(2, np.exp(np.log(rule.median_days) + rule.spread * rng.standard_normal(n))).astype(np.int64)
        # Systematic over a random order: the declared shares hold at any scale.
        order = rng.permutation(n)
        goes_on = np.zeros(n, dtype=bool)
        goes_on[order] = np.diff(np.floor(wanted[order].cumsum() + rng.random()), prepend=0.0) > 0
        parts.append(
            rows.select(
                pl.lit(rule.service).alias("service"),
                (pl.col("day") + pl.Series(days)).alias("due"),
                "source",
                "position",
                pl.lit(plan.year, dtype=pl.Int64).alias("year"),
                "district",
                "contact",
                "demand_number",
                "regional_code",
                (pl.col("referred_to") == rule.service).fill_null(False).alias("is_referred"),
                pl.Series("fate", np.where(goes_on, PLANNED, NEVER), dtype=pl.String),
            )
        )
    return pl.concat(parts).sort("due", "contact", "demand_number")
