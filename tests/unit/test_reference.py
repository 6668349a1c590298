"""Reference tables agree with each other and with what is published about the region."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from codicefiscale import codicefiscale as oracle

from orchestration.intake import reference


@pytest.mark.parametrize(
    ("day", "n_comuni"),
    [
        (date(2013, 6, 1), 348),
        (date(2014, 6, 1), 340),
        (date(2016, 6, 1), 334),
        (date(2017, 6, 1), 333),
        (date(2018, 6, 1), 331),
        (date(2020, 6, 1), 328),
        (date(2023, 1, 1), 330),
    ],
)
def test_comuni_in_force_are_as_many_as_published(day: date, n_comuni: int) -> None:
    within = (pl.col("valid_from").is_null() | (pl.col("valid_from") <= day)) & (
        pl.col("valid_to").is_null() | (pl.col("valid_to") >= day)
    )
    in_force = reference.comuni().filter(within)
    assert in_force.height == n_comuni
    assert in_force["istat_code"].is_unique().all()
    assert in_force["district_code"].n_unique() == 38
    assert in_force["ausl_code"].n_unique() == (11 if day.year < 2014 else 8)


def test_residents_are_as_many_as_published() -> None:
    assert reference.population()["residents"].sum() == 4_424_548
    without = set(reference.districts()["istat_code"]) - set(reference.population()["istat_code"])
    assert without == {"099030", "099031"}  # came from Marche in 2021; the source does not count them


def test_every_comune_is_a_birth_place_with_the_same_end() -> None:
    places = reference.birth_places()
    comuni = reference.comuni()
    assert set(comuni["belfiore_code"]) <= set(places["belfiore_code"])
    gone = comuni.filter(pl.col("valid_to").is_not_null() & (pl.col("valid_to") != date(2013, 12, 31)))
    ends = places.group_by("belfiore_code").agg(pl.col("valid_to").max().alias("last"))
    assert gone.join(ends, on="belfiore_code").filter(pl.col("valid_to") != pl.col("last")).height == 0


def test_birth_places_are_known_to_python_codicefiscale() -> None:
    known = oracle._get_data()["codes"]
    codes = reference.birth_places()["belfiore_code"].unique()
    assert len([c for c in codes if c not in known]) <= 0.01 * len(codes)


def test_citizenships_hold_italy_unknown_and_the_union() -> None:
    frame = reference.citizenships()
    assert {"100", "999", "235", "201", "436", "243"} <= set(frame["citizenship_code"])
    assert frame["citizenship_code"].is_unique().all()
    assert frame["is_eu"].sum() == 27


def test_senders_are_those_of_the_region() -> None:
    assert len(reference.senders("district")) == 38
    assert reference.senders("region") == frozenset({"080"})
    assert {"080110", "080114"} <= reference.senders("ausl")
    with pytest.raises(ValueError, match="no senders"):
        reference.senders("planet")


def test_no_two_districts_share_a_label() -> None:
    """Regression: two districts are called Sud-Est, and a figure grouped by label added one to the other."""
    with (Path(__file__).parents[2] / "dbt_project/seeds/territory.csv").open(encoding="utf-8") as file:
        pairs = {(row["district_label"], row["district_code"]) for row in csv.DictReader(file)}
    labels = [label for label, _ in pairs]
    assert sorted(labels) == sorted(set(labels)), "labels that several districts bear"
