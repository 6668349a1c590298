"""Every published figure against a second count from files and receipts. See README.md."""

from __future__ import annotations

import csv
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from tests.oracle import counting, indicators, report_tables, services, waiting
from tests.oracle.compare import differences, told
from tests.oracle.product import Product, cell
from tests.oracle.reading import Received, read
from tests.oracle.region import SENDERS, Home, make
from tests.oracle.rules import Coverage, Persons, Place

YEAR = ("year", date(2014, 1, 1))
PERIOD_KEY = ("period_type", "period_start_on", "territory_level", "territory_code")
#: Places whose reports are compared: the region, the AUSL of the reform, a district that was silent for two months.
REPORTS: tuple[Place, ...] = (("region", "080"), ("ausl", "080114"), ("district", "10403"))


@dataclass
class Told:
    """The two sides: what was counted, and the product."""

    home: Home
    received: Received
    product: Product
    vault: Product

    @cached_property
    def coverage(self) -> Coverage:
        return Coverage(self.received)

    @cached_property
    def persons(self) -> Persons:
        return Persons(self.received, self.vault.registry_keys())

    @cached_property
    def contacts(self) -> list[counting.Contact]:
        return counting.contacts_of(
            self.received,
            self.vault.person_keys("iass__demand", "demand_number"),
            self.vault.person_keys("iass__contact", ref="reporter_ref"),
        )

    @cached_property
    def episodes(self) -> list[services.Episode]:
        episodes = [
            *services.residential(self.received, self.vault.person_keys("far1__admission")),
            *services.home_care(self.received, self.vault.person_keys("adi1__taking_in_charge")),
            *services.allowances(self.received, self.vault.person_keys("smac__contract")),
            *services.minors(self.received, self.vault.person_keys("sisam__case")),
        ]
        services.mark_taken_over(episodes)
        return episodes

    @cached_property
    def episode_names(self) -> dict[int, tuple[str, str, str]]:
        """Family, sender and the product's name of each episode."""
        ids = {
            "FAR": self.vault.record_ids("far1__admission", "admission_id"),
            "ADI": self.vault.record_ids("adi1__taking_in_charge", "care_id"),
        }
        return {
            id(episode): (
                episode.family,
                episode.sender,
                ids[episode.family][episode.record["delivery"], episode.record["number"]]
                if episode.family in ids
                else episode.key[1],
            )
            for episode in self.episodes
        }

    @cached_property
    def supply(self) -> services.Supply:
        return services.Supply.of(self.received, self.episodes)

    @cached_property
    def persons_in_charge(self) -> services.InCharge:
        return services.described_in(self.supply, self.persons)

    @cached_property
    def requests(self) -> list[waiting.Request]:
        requests = waiting.requests_of(self.contacts)
        waiting.follow(requests, self.episodes, waiting.Observation(self.received, self.persons))
        return requests

    def by_period(self, table: str, key: Iterable[str], columns: Iterable[str]) -> dict[Any, Any]:
        """Rows of a table that holds periods and territories."""
        there = self.product.columns(table)
        found = self.product.table(table, (*PERIOD_KEY, *key), [name for name in columns if name in there])
        return {cell(place): row for place, row in found.items()}

    def by_year(self, table: str, key: Iterable[str], columns: Iterable[str]) -> dict[Any, Any]:
        """Rows of a table that holds years and territories."""
        there = self.product.columns(table)
        found = self.product.table(
            table,
            ("year_number", "territory_level", "territory_code", *key),
            [name for name in columns if name in there],
        )
        return {(place[0], (place[1], place[2]), *place[3:]): row for place, row in found.items()}


#: Scale of the region and who sends, for `make test` and for a larger comparison.
SMALL, LARGE = (0.006, SENDERS), (0.03, ())


@pytest.fixture(scope="module", params=[SMALL, pytest.param(LARGE, marks=pytest.mark.bench)], ids=["small", "large"])
def both(request: pytest.FixtureRequest) -> Iterator[Told]:
    there = os.environ.get("IASS_ORACLE_HOME")
    if there:
        home = Home(Path(there), Path(there) / "region" / "landing", {"IASS_HOME": there})
    else:
        settings = request.getfixturevalue("new_installation")(f"oracle{request.param_index}")
        home = make(settings.home, settings.environment(), *request.param)
    product = Product(home.iass("url", "--role", "transformer"))
    vault = Product(home.iass("url", "--role", "owner"))
    yield Told(home, read(home.landing, home.receipts), product, vault)
    product.close()
    vault.close()


def agree(table: str, counted: Mapping[Any, Any], published: Mapping[Any, Any], **how: Any) -> None:
    n_cells, lines = differences(table, counted, published, **how)
    assert n_cells, f"{table}: nothing to compare"
    assert not lines, told(lines)


def columns_of(counted: Mapping[Any, Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in counted.values() for name in row))


# Social desks


def test_contacts_demands_and_outcomes_row_by_row(both: Told) -> None:
    contacts, demands, outcomes = counting.facts(both.contacts)
    agree("fct_contact", contacts, both.product.contact_rows())
    agree("fct_demand", demands, both.product.demand_rows())
    agree("fct_outcome", outcomes, both.product.outcome_rows())


def test_contacts_by_period_and_territory(both: Told) -> None:
    table = "mart_demand.contact_monthly"
    places = both.by_period(table, (), ())
    counted = counting.contact_monthly(both.contacts, both.coverage, places)
    agree(table, counted, both.by_period(table, (), columns_of(counted)))
    assert counting.by_cell(both.contacts).keys() <= places.keys()


def test_contacts_from_january_on(both: Told) -> None:
    table, key = "mart_demand.contact_to_date", ("month_on", "territory_level", "territory_code")
    columns = ("n_deliveries_expected", "n_deliveries_received", "n_contacts", "n_demands", "n_persons")
    published = {(row[0], (row[1], row[2])): values for row, values in both.product.table(table, key, columns).items()}
    agree(table, counting.contact_to_date(both.contacts, both.coverage, published), published)


def test_demands_by_category(both: Told) -> None:
    counted = counting.demand_monthly(both.contacts)
    table = "mart_demand.demand_monthly"
    agree(table, counted, both.by_period(table, ("level1_code",), columns_of(counted)))


def test_outcomes_by_destination(both: Told) -> None:
    counted = counting.outcome_monthly(both.contacts)
    table = "mart_outcome.outcome_monthly"
    published = both.by_period(table, ("outcome_type_code", "destination_service_code"), columns_of(counted))
    agree(table, counted, {_without_destination(key): row for key, row in published.items()}, tolerance=_WAIT)


_WAIT = {"mean_wait_days": 0.0501}


def _without_destination(key: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*key[:-1], "" if key[-1] == "-3" else key[-1])


def test_persons_by_target_sex_and_age(both: Told) -> None:
    counted = counting.target_group_monthly(both.contacts, both.persons)
    table = "mart_target_group.target_group_monthly"
    agree(
        table, counted, both.by_period(table, ("report_target_code", "sex_code", "age_band_code"), columns_of(counted))
    )


# Services


def test_service_months_row_by_row(both: Told) -> None:
    counted = {}
    for episode in both.episodes:
        for month in services.months_of(episode):
            counted[(*both.episode_names[id(episode)], month.month)] = {
                "district_code": month.district,
                "ausl_code": month.ausl,
                "person_key": episode.person,
                "service_code": episode.service,
                "n_starts": month.starts,
                "n_ends": month.ends,
                "in_charge_days": month.days,
                "presence_days": month.presence,
                "n_accesses": month.accesses,
                "amount_eur": None if month.cents is None else month.cents / 100,
            }
    agree("fct_service_month", counted, both.product.service_months(), tolerance=_GIVEN)


#: Days and euro are kept with two decimals, month by month.
_GIVEN = {"presence_days": 0.00501, "amount_eur": 0.00501}


def test_offer_by_period_and_territory(both: Told) -> None:
    counted = services.offer_monthly(both.supply, both.persons_in_charge, both.coverage)
    table = "mart_offer.offer_monthly"
    published = both.by_period(table, ("service_level", "service_code"), columns_of(counted))
    agree(table, counted, published, tolerance={"presence_days": 0.5, "amount_eur": 0.5})


def test_persons_in_charge_by_sex_and_age(both: Told) -> None:
    counted = services.in_charge_monthly(both.supply, both.persons_in_charge)
    table = "mart_offer.in_charge_monthly"
    key = (
        "month_on",
        "territory_level",
        "territory_code",
        "service_level",
        "service_code",
        "sex_code",
        "age_band_code",
    )
    found = both.product.table(table, key, ["n_persons"])
    agree(table, counted, {(place[0], (place[1], place[2]), *place[3:]): row for place, row in found.items()})


def test_older_people_in_residential_care(both: Told) -> None:
    counted = services.d33za(both.supply, both.persons)
    table = "mart_offer.d33za"
    agree(table, counted, both.by_year(table, ("intensity_code",), columns_of(counted)))


def test_an_ausl_is_the_union_of_its_districts(both: Told) -> None:
    """Of the product alone: every AUSL is in force in the month of its row, and has what its districts have."""
    wrong = [
        key
        for key, row in both.product.service_months().items()
        if row["district_code"] != "-1" and services.ausl_of(row["district_code"], key[3]) != row["ausl_code"]
    ]
    assert not wrong, wrong[:10]


def test_stays_whole_and_observed(both: Told) -> None:
    counted = services.stays(both.supply, both.received)
    names = {episode.key: both.episode_names[id(episode)][1:] for episode in both.episodes if episode.family == "FAR"}
    published = both.product.rows_that_are_there(
        "core.fct_residential_stay", ("sender_code", "admission_id"), columns_of(counted)
    )
    agree("fct_residential_stay", {names[key]: row for key, row in counted.items()}, published, tolerance=_STAY)


#: Sums of what is kept with two or three decimals in each month.
_STAY = {name: 0.1 for name in ("presence_days", "observed_presence_days", "amount_eur", "observed_amount_eur")}


def test_wait_and_intensity_of_home_care(both: Told) -> None:
    counted = services.cares(both.supply, both.received)
    names = {episode.key: both.episode_names[id(episode)][1:] for episode in both.episodes if episode.family == "ADI"}
    published = both.product.rows_that_are_there(
        "core.fct_home_care_episode", ("sender_code", "care_id"), columns_of(counted)
    )
    agree("fct_home_care_episode", {names[key]: row for key, row in counted.items()}, published)


def test_accesses_and_services_at_home(both: Told) -> None:
    counted: dict[Any, dict[str, int]] = defaultdict(lambda: {"n_accesses": 0, "n_services": 0})
    for episode in both.episodes:
        for access in episode.accesses:
            row = counted[(*both.episode_names[id(episode)], access["on"])]
            row["n_accesses"] += access["n"]
            row["n_services"] += sum(access["services"])
    agree("fct_home_care_access", counted, both.product.accesses())


# Persons


def test_current_versions_know_what_the_registry_ever_said(both: Told) -> None:
    counted = {
        (person,): {
            "sex_code": versions[-1]["sex"] or "-1",
            "birth_month_on": versions[-1]["birth"] and versions[-1]["birth"].replace(day=1),
            "death_on": versions[-1]["death"],
        }
        for person, versions in both.persons.versions.items()
    }
    columns = ("sex_code", "birth_month_on", "death_on")
    published = both.product.table("core.dim_person", ("person_key",), columns, "is_current and person_key > 0")
    agree("dim_person", counted, {key: row for key, row in published.items() if key in counted})


# Indicators


def _indicators(both: Told) -> dict[Any, dict[str, Any]]:
    found = both.product.table(INDICATORS, ("indicator_code", *PERIOD_KEY), _LIMITS)
    return {(key[0], (key[1], key[2]), (key[3], key[4])): row for key, row in found.items()}


def _agree_on_indicators(counted: dict[Any, Any], published: dict[Any, Any]) -> None:
    """Rows of the indicators that were counted; one without a value may say no more than its denominator."""
    codes = {key[0] for key in counted}
    mine = {
        key: row
        for key, row in published.items()
        if key[0] in codes and (key in counted or row["indicator_value"] is not None)
    }
    euro = "amount_per_resident_eur"
    for is_euro, tolerance in ((False, _DIGITS), (True, _CENTS)):
        here, there = (
            {key: row for key, row in rows.items() if (key[0] == euro) is is_euro} for rows in (counted, mine)
        )
        if here or there:
            agree(INDICATORS, here, there, tolerance=tolerance)


INDICATORS = "mart_indicator.indicator_value"
_LIMITS = ("indicator_value", "numerator", "denominator", "lower_limit", "upper_limit")
#: Medians and shares of paths are kept with one or two decimals, euro of a month with two.
_DIGITS = dict.fromkeys(("indicator_value", "lower_limit", "upper_limit"), 0.00501)
_CENTS = {"indicator_value": 0.0001, "numerator": 1.0}


def test_indicators_of_supply(both: Told) -> None:
    published = _indicators(both)
    older = services.d33za(both.supply, both.persons)
    cells = {key[1:] for key in published}
    _agree_on_indicators(indicators.of_supply(both.supply, older, both.coverage, cells), published)


def test_indicators_of_continuity(both: Told) -> None:
    published = _indicators(both)
    _agree_on_indicators(indicators.of_requests(both.requests, {key[1:] for key in published}), published)


def test_indicators_of_the_desks(both: Told) -> None:
    published = _indicators(both)
    cells = {key[1:] for key in published}
    counted = {
        **indicators.of_desks(both.contacts, both.coverage, both.persons, set(both.persons.versions), cells),
        **indicators.of_deliveries(both.received, both.coverage, cells),
        **indicators.standardised(both.contacts, both.coverage, both.persons, cells),
    }
    _agree_on_indicators(counted, published)


# Requests and what follows


def test_requests_row_by_row(both: Told) -> None:
    counted = {}
    for request in both.requests:
        row: dict[str, Any] = {
            "n_demands": len(request.demands),
            "previous_gap_days": request.previous_gap,
            "previous_end_days": request.previous_end,
            "answer_code": request.answer,
            "sequel_status_code": request.sequel,
            "is_without_sequel": request.is_without_sequel,
        }
        for milestone, followed in request.reached.items():
            row |= {
                f"{milestone.lower()}_on": followed.on,
                f"{milestone.lower()}_status_code": followed.status,
                f"{milestone.lower()}_followed_days": followed.days,
            }
        counted[request.person, request.first.regional, request.on] = row
    agree("fct_pathway", counted, both.product.requests(columns_of(counted)))


def test_waiting_times(both: Told) -> None:
    counted = waiting.waiting_time(both.requests)
    table, key = "mart_pathway.waiting_time", ("cut_type", "cut_code", "milestone_code")
    published = both.by_year(table, key, columns_of(counted))
    agree(table, counted, published, tolerance={"mean_days": 0.0501, "median_days": 0.0501})


def test_shares_that_reach_a_milestone(both: Told) -> None:
    counted = waiting.conversion(both.requests)
    table, key = "mart_pathway.conversion", ("cut_type", "cut_code", "milestone_code", "window_days")
    published = both.by_year(table, key, columns_of(counted))
    agree(table, counted, published, tolerance=dict.fromkeys(_PERCENT, 0.00501))


#: Percentages are kept with two decimals.
_PERCENT = tuple(
    f"{name}{end}" for name in ("estimated_percent", "without_sequel_percent") for end in ("", "_low", "_high")
)


def test_requests_by_month(both: Told) -> None:
    counted = waiting.answer_month(both.requests)
    table = "mart_pathway.answer_month"
    agree(table, counted, both.by_year(table, ("cut_type", "cut_code", "month_on"), columns_of(counted)))


def test_answers_to_requests(both: Told) -> None:
    counted = waiting.answer(both.requests)
    table = "mart_pathway.answer"
    published = both.by_year(table, ("cut_type", "cut_code"), columns_of(counted))
    agree(table, counted, published, tolerance=dict.fromkeys(_PERCENT, 0.00501))


# Reports


@pytest.fixture(scope="module")
def reports(both: Told) -> Path:
    out = both.home.folder / "compared"
    for _, code in REPORTS:
        arguments = ("--report", "attivita", "--period", "2014", "--territory", code, "--out", str(out))
        both.home.iass("report", "build", *arguments)
    return out


@pytest.mark.parametrize("place", REPORTS, ids=lambda place: place[1])
def test_tables_of_the_activity_report(place: Place, reports: Path, both: Told) -> None:
    counted = report_tables.tables(report_tables.Year(both.contacts, both.coverage, both.persons, YEAR, place))
    lines = []
    for table, rows in counted.items():
        path = reports / "attivita" / "2014" / place[1] / "csv" / f"{table}.csv"
        published = _table(path)
        if table in report_tables.CROSSED:
            for label, row in published.items():
                rows[label] = {name: rows.get(label, {}).get(name, 0) for name in row}
        lines += differences(f"{table} {place[1]}", rows, published, _DECIMALS)[1]
    assert not lines, told(lines)


#: What the marts of indicators keep of a percentage.
_DECIMALS = {"received_percent": 0.000051, "comuni_percent": 0.000051}


def _table(path: Path) -> dict[str, dict[str, Any]]:
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        header, *lines = csv.reader(file)
    return {line[0]: {name: _value(text) for name, text in zip(header[1:], line[1:], strict=True)} for line in lines}


def _value(text: str) -> Any:
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        return text


# The oracle itself


def test_the_oracle_shares_nothing_with_the_product() -> None:
    """No import of the product or of what computes it; tables are read whole, in one file."""
    for path in Path(__file__).parent.glob("*.py"):
        text = path.read_text()
        imported = re.findall(r"^\s*(?:from|import)\s+([\w.]+)", text, re.MULTILINE)
        assert not {name.split(".")[0] for name in imported} & {"orchestration", "polars", "duckdb", "pandas"}, path
        if path.name != "product.py":
            assert "psycopg" not in imported, path
            if path != Path(__file__):
                assert not re.search(r"\bselect\b.+\bfrom\b", text, re.IGNORECASE | re.DOTALL), path
        assert not re.search(
            r"\bgroup\s+by\b|\bsum\(\w+\)\s*,|\bover\s*\(", text if path.name == "product.py" else ""
        ), path
