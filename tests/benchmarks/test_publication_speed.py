"""Disclosure control of a year at the size of the region, on made-up rows: how long it takes and how much it hides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np
import polars as pl
import pytest
from measuring import Measurement, timed

from orchestration.demo.territory import load_territory
from orchestration.disclosure import cells, protect, system, tables
from orchestration.disclosure.cells import Period, Places

pytestmark = pytest.mark.bench

#: A year of the region, as the rates of the demo give it.
CONTACTS, DEMANDS, PERSONS = 203_000, 233_000, 109_000
MONTHS = [date(2013, month, 1) for month in range(1, 13)]
AGES = np.array([2, 2, 1, 2, 2, 6, 12, 20, 14, 12, 16, 11]) / 100


def test_a_year_of_the_region_is_protected(measure: Callable[[Measurement], None], scale: float) -> None:
    rng = np.random.default_rng(11)
    plan = tables.load().for_periods(Period("2013").types)
    where = _places()
    counted = cells.tabulate(plan, _rows(where, scale, rng), where)
    value, threshold = (counted[name].to_numpy().astype(float) for name in ("value", "threshold"))
    with timed() as watch:
        tied = system.build(counted, plan, where.ausl_of)
        pattern = protect.suppress(tied, value, threshold, protect.primary(counted), protect.costs(counted))
    hidden = pattern.is_suppressed
    measure(
        Measurement(
            "disclosure control of a year of the region",
            watch.seconds,
            detail={
                "scale of the region": scale,
                "cells that are not zero": counted.height,
                "small cells": pattern.n_primary,
                "cells suppressed beside them": pattern.n_complementary,
                "share of cells suppressed (%)": round(100 * float(hidden.mean()), 1),
                "share of what is counted (%)": round(100 * float(value[hidden].sum() / value.sum()), 2),
            },
        )
    )


def _places() -> Places:
    territory = load_territory(MONTHS[0])
    codes = territory.at(MONTHS[0])
    districts = (
        territory.units.select("istat_code", "district_code")
        .join(codes.select("istat_code", "ausl_code"), on="istat_code")
        .group_by("district_code")
        .agg(pl.col("ausl_code").first())
        .sort("district_code")
    )
    months = districts.join(pl.DataFrame({"contact_on": MONTHS}), how="cross")
    return Places(districts, months, months, frozenset(MONTHS))


def _rows(where: Places, scale: float, rng: np.random.Generator) -> dict[str, pl.DataFrame]:
    """Contacts and demands with skewed members, so that some combinations are rare at any size."""
    districts = where.districts["district_code"].to_numpy()
    size = rng.lognormal(0, 0.7, len(districts))

    def skewed(members: Sequence[str], n: int, skew: float) -> np.ndarray:
        weight = 1 / np.arange(1, len(members) + 1) ** skew
        return rng.choice(np.array(members), n, p=weight / weight.sum())

    def placed(n: int) -> np.ndarray:
        return rng.choice(districts, n, p=size / size.sum())

    n_contacts, n_demands, n_persons = (round(scale * n) for n in (CONTACTS, DEMANDS, PERSONS))
    days = np.array(MONTHS, dtype="datetime64[D]")
    person = pl.DataFrame(
        {
            "contributor": np.arange(1, n_persons + 1),
            "district_code": placed(n_persons),
            "sex": rng.choice(np.array(["1", "2"]), n_persons, p=[0.42, 0.58]),
            "age_band": rng.choice(np.array([f"{i:02d}" for i in range(len(AGES))]), n_persons, p=AGES),
            "citizenship": rng.choice(
                np.array(["italiana", "straniera", "non disponibile"]), n_persons, p=[0.65, 0.33, 0.02]
            ),
            "target": skewed(["FAM", "ANZ", "POV", "IMM", "DIS"], n_persons, 1.0),
        }
    )
    contacts = pl.DataFrame(
        {
            "contact_on": rng.choice(days, n_contacts),
            "district_code": placed(n_contacts),
            "n": np.ones(n_contacts, dtype=np.int64),
            "contributor": rng.integers(1, int(0.8 * n_contacts), n_contacts),
            "mode": skewed(["1", "2", "3", "4"], n_contacts, 1.3),
            "reporter": skewed([f"{i:02d}" for i in range(1, 9)], n_contacts, 1.6),
        }
    )
    demands = pl.DataFrame(
        {
            "contact_on": rng.choice(days, n_demands),
            "n": np.ones(n_demands, dtype=np.int64),
            "contributor": rng.integers(1, n_persons + 1, n_demands),
            "category": skewed([f"{i:02d}" for i in range(1, 13)], n_demands, 1.1),
            "outcome": skewed([str(i) for i in range(1, 8)], n_demands, 1.0),
        }
    ).join(person, on="contributor")
    return {"contacts": contacts, "demands": demands, "persons": demands}
